#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/receipt.h"

namespace weir::pipeline {

/// A counter of the receipt, and the column of weir_loads that keeps it.
struct CountColumn {
  std::string_view name;
  uint64_t RowCounts::*count;
};

/// All that are written down; what is loaded is the sum of three of them.
constexpr std::array<CountColumn, 10> count_columns = {{
    {"rows_read", &RowCounts::read},
    {"rows_expanded", &RowCounts::expanded},
    {"rows_folded", &RowCounts::folded},
    {"rows_inserted", &RowCounts::inserted},
    {"rows_updated", &RowCounts::updated},
    {"rows_unchanged", &RowCounts::unchanged},
    {"rows_deduplicated", &RowCounts::deduplicated},
    {"rows_filtered", &RowCounts::filtered},
    {"rows_rejected", &RowCounts::rejected},
    {"rows_replaced", &RowCounts::replaced},
}};

/// The columns of weir_loads that a receipt is read back from, in the order stored_receipt() takes
/// them; the names need no quotes but `key`.
constexpr std::array<std::string_view, 8> receipt_columns = {
    "run_id", "pipeline", "bucket", "key", "version", "status", "duration_ms", "rejects"};

/// What weir_loads.rejects keeps of a receipt: its list of rejects as JSON; nullopt = it has none.
std::optional<std::string> stored_rejects(const Receipt& receipt);

/// The receipt of a committed load, from the cells of receipt_columns and then of count_columns.
/// Errors: internal (they hold no receipt).
Result<Receipt> stored_receipt(std::span<const std::optional<std::string>> cells);

}  // namespace weir::pipeline
