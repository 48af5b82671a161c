#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "model/data_type.h"
#include "server/column_view.h"

namespace weir::duckdb {

/// A query's rows as DuckDB makes them, a chunk of at most 2048 at a time, without a copy: for
/// encoders that send them on. Bounded memory. The statement, and its connection, are for nothing
/// else meanwhile. One thread at a time.
class BatchStream {
 public:
  /// `types`: of the query's columns, in order. Errors: sql, io, cancelled; internal when a column
  /// does not have its type.
  static Result<std::unique_ptr<BatchStream>> open(Statement& statement,
                                                   std::span<const Parameter> parameters,
                                                   std::vector<DataType> types);
  ~BatchStream();
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  /// The next rows, valid until the next call; none: that was all. Errors: sql, io, cancelled.
  Result<server::RowBatch> next();

 private:
  struct Native;
  BatchStream(std::unique_ptr<Native> native, std::vector<DataType> types);
  server::ColumnView view_of(void* vector, const DataType& type);

  std::unique_ptr<Native> native_;
  std::vector<DataType> types_;
  std::vector<server::ColumnView> columns_;
  std::deque<server::ColumnView> elements_;  // of lists, whose addresses must stay
};

}  // namespace weir::duckdb
