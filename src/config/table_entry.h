#pragma once

#include "config/column_entry.h"
#include "model/table.h"

namespace weir::config {

/// `stop_at: {rejected: 1000, ratio: 5%}`
struct StopAtEntry {
  std::optional<Located<int64_t>> rejected;
  std::optional<Located<double>> ratio;
};

/// An entry of `tables`.
struct TableEntry {
  Located<std::string> in;
  Located<std::string> schema;
  std::vector<Named<ColumnEntry>> columns;
  std::vector<Located<std::string>> key;
  Located<OnBadRow> on_bad_row{OnBadRow::quarantine, {}};
  StopAtEntry stop_at;
  Located<bool> lineage{false, {}};
  Location location;
};
Value<TableEntry> table_value();

}  // namespace weir::config
