#include "cases/case_result.h"

#include <algorithm>

#include "base/check.h"

namespace weir::cases {

std::string_view to_string(CaseStatus status) {
  switch (status) {
    case CaseStatus::passed: return "passed";
    case CaseStatus::failed: return "failed";
    case CaseStatus::broken: return "broken";
  }
  return "broken";
}

size_t RowsDifference::missing() const {
  return static_cast<size_t>(std::count_if(rows.begin(), rows.end(), [](const RowDifference& row) {
    return row.expected && !row.found;
  }));
}

size_t RowsDifference::unexpected() const {
  return static_cast<size_t>(std::count_if(rows.begin(), rows.end(), [](const RowDifference& row) {
    return !row.expected && row.found;
  }));
}

size_t RowsDifference::changed() const { return rows.size() - missing() - unexpected(); }

std::string receipt_name(const Receipt& receipt) {
  return receipt.object ? receipt.object->to_string() : receipt.pipeline.value();
}

uint64_t counter_value(const RowCounts& rows, std::string_view counter) {
  if (counter == "read") return rows.read;
  if (counter == "expanded") return rows.expanded;
  if (counter == "folded") return rows.folded;
  if (counter == "inserted") return rows.inserted;
  if (counter == "updated") return rows.updated;
  if (counter == "unchanged") return rows.unchanged;
  if (counter == "loaded") return rows.loaded();
  if (counter == "deduplicated") return rows.deduplicated;
  if (counter == "filtered") return rows.filtered;
  if (counter == "rejected") return rows.rejected;
  WEIR_CHECK(counter == "replaced", "a counter that receipts do not have");
  return rows.replaced;
}

}  // namespace weir::cases
