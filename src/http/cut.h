#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace weir::http {

/// Why a connection was ended, or not begun, without its client having asked for that.
enum class Cut {
  head_time,   ///< no whole head in time, or none at all
  body_time,   ///< likewise its body
  idle_time,   ///< nothing asked for a while
  write_time,  ///< takes nothing of its answer
  too_long,    ///< a head or a body beyond its limit
  malformed,   ///< no HTTP, or HTTP that may be read in two ways
  crowded,     ///< too many connections
};
inline constexpr std::array all_cuts = {Cut::head_time,  Cut::body_time, Cut::idle_time,
                                        Cut::write_time, Cut::too_long,  Cut::malformed,
                                        Cut::crowded};
std::string_view to_string(Cut why);
/// Of a request that cannot be read on, answered with this status.
Cut cut_by_refusal(int status);

/// How many connections were cut so far. Thread-safe.
class CutCounts {
 public:
  using Counts = std::array<uint64_t, all_cuts.size()>;  ///< in the order of all_cuts

  void add(Cut why) { counts_[static_cast<size_t>(why)].fetch_add(1, std::memory_order_relaxed); }
  Counts counts() const;

 private:
  std::array<std::atomic<uint64_t>, all_cuts.size()> counts_{};
};

}  // namespace weir::http
