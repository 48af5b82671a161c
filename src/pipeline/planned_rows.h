#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "duckdb/connection.h"
#include "pipeline/session.h"
#include "pipeline/table_load.h"

namespace weir::pipeline {

/// What a table would hold after the inputs that were only examined: its rows as they are, with
/// what those inputs would have written laid over them. Lives in a temporary table of the DuckDB
/// that rows are computed in.
class PlannedRows {
 public:
  /// What its loads decide by. Must outlive every use of it.
  RelationOver over();

  /// Once the session is open.
  Result<void> begin(duckdb::Connection& connection, const PipelineParts& parts);

  /// What the input decided last would write.
  Result<void> add(const TableLoad& load);

 private:
  std::string relation(const Table& table, const std::string& there) const;
  std::string columns(std::string_view prefix) const;
  std::string same_key() const;

  duckdb::Connection* connection_ = nullptr;
  const Table* table_ = nullptr;
  LoadMode mode_ = LoadMode::append;
  std::string overlay_;    // quoted
  bool replaced_ = false;  // nothing of the table itself is left
  bool any_ = false;
};

}  // namespace weir::pipeline
