#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/cell_appender.h"
#include "duckdb/connection.h"
#include "duckdb/database.h"
#include "server/connection.h"

namespace weir::pipeline {

/// A table for rows of a server's in a small DuckDB of its own, which has types like theirs. Its
/// columns are c0, c1, …: a query may give two of one name. One thread.
class CellTable {
 public:
  static constexpr const char* name = "weir_rows";

  /// `spill`: a folder that nobody else uses, for what does not fit in memory; it is made when it
  /// is needed, and goes with the table. Empty: beside the process. Errors: io.
  static Result<std::unique_ptr<CellTable>> open(const std::string& spill = {});

  /// Makes the table. Errors: sql.
  Result<void> make(const std::vector<server::QueryColumn>& columns);
  bool made() const { return appender_ != nullptr; }

  duckdb::CellAppender& appender() { return *appender_; }
  duckdb::Connection& connection() { return *connection_; }
  /// Under the names they have on the server.
  const std::vector<duckdb::ResultColumn>& columns() const { return columns_; }

 private:
  CellTable() = default;

  std::unique_ptr<duckdb::Database> database_;
  std::unique_ptr<duckdb::Connection> connection_;
  std::unique_ptr<duckdb::CellAppender> appender_;
  std::vector<duckdb::ResultColumn> columns_;
};

}  // namespace weir::pipeline
