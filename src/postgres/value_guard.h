#pragma once

#include <optional>
#include <string_view>

#include "postgres/column_plan.h"
#include "server/column_view.h"

namespace weir::postgres {

/// A value that must not be sent.
struct ValueFault {
  size_t row = 0;           ///< of the batch, from 0
  std::string_view reason;  ///< "it holds a NUL character, which …"
  std::string_view state;   ///< the SQLSTATE that the server has for it
};

/// The first row of the column whose value breaks the plan's guard; nullopt: all may be sent.
std::optional<ValueFault> find_fault(const ColumnPlan& plan, const server::ColumnView& column,
                                     size_t rows);

}  // namespace weir::postgres
