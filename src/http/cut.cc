#include "http/cut.h"

namespace weir::http {

std::string_view to_string(Cut why) {
  switch (why) {
    case Cut::head_time: return "head_time";
    case Cut::body_time: return "body_time";
    case Cut::idle_time: return "idle_time";
    case Cut::write_time: return "write_time";
    case Cut::too_long: return "too_long";
    case Cut::malformed: return "malformed";
    case Cut::crowded: return "crowded";
  }
  return "";
}

Cut cut_by_refusal(int status) {
  return status == 413 || status == 431 ? Cut::too_long : Cut::malformed;
}

CutCounts::Counts CutCounts::counts() const {
  Counts counts{};
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = counts_[i].load(std::memory_order_relaxed);
  return counts;
}

}  // namespace weir::http
