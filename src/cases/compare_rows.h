#pragma once

#include "cases/case_result.h"

namespace weir::cases {

enum class RowOrder { any, as_listed };

/// Compares two lists of rows that are spelled alike and fills in what of `difference` depends on
/// them. Rows with the same key, else such that are alike for the most part, are one row that
/// differs.
void compare_rows(const std::vector<TextRow>& expected, const std::vector<TextRow>& found,
                  RowOrder order, RowsDifference& difference);

}  // namespace weir::cases
