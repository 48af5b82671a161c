#pragma once

#include <string>

#include "model/data_type.h"
#include "server/column_view.h"

namespace weir::postgres {

/// Appends the value of a row that is not NULL as Postgres reads it, whatever the session's
/// settings: dates in ISO order, timestamptz in UTC, floats with every digit they need, bytes as
/// \x…, lists as {…} with each element quoted.
void append_value(const DataType& type, const server::ColumnView& column, size_t row,
                  std::string& out);

}  // namespace weir::postgres
