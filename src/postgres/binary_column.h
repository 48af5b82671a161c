#pragma once

#include <memory>

#include "postgres/column_plan.h"
#include "server/column_view.h"

namespace weir::postgres {

/// Writes the values of one column as COPY BINARY has them: four bytes of length, then the value;
/// NULL is a length of -1. Keeps scratch memory, so each column has its own.
class BinaryColumn {
 public:
  virtual ~BinaryColumn() = default;

  /// Adds the bytes that rows [from, from + count) take to sizes[0..count).
  virtual void measure(const server::ColumnView& column, size_t from, size_t count,
                       size_t* sizes) = 0;
  /// Writes the rows, each at its cursor, which moves behind it. Follows measure() of the same
  /// `from`, for so many rows or fewer.
  virtual void write(const server::ColumnView& column, size_t from, size_t count,
                     char** cursors) = 0;
};

/// Of a column whose plan is `straight`.
std::unique_ptr<BinaryColumn> make_binary_column(const DataType& type, const TargetType& target);

}  // namespace weir::postgres
