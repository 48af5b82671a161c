#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "duckdb/connection.h"
#include "model/project.h"
#include "pipeline/databases.h"
#include "server/connection.h"

namespace weir::pipeline {

/// Where a sql step's query runs, when that is not the DuckDB its rows are worked on in. One thread
/// at a time, except `interrupt`.
class QueryOrigin {
 public:
  virtual ~QueryOrigin() = default;

  /// The query's columns, with types as DuckDB has them. Errors: sql, at the step or at the place
  /// in its text; those of the database.
  virtual Result<std::vector<duckdb::ResultColumn>> describe() = 0;
  /// Copies its rows into a temporary table (not quoted) of the connection's that has these columns
  /// and a BIGINT behind them, which numbers the rows from 1 in the order in which they come.
  /// Bounded memory. Errors: as describe; cancelled, when `stop` turns true or by interrupt();
  /// invalid_input (a value that DuckDB cannot hold); busy (the columns are others by now).
  virtual Result<void> copy(duckdb::Connection& to, const std::string& table,
                            Timestamp scheduled_for, const std::atomic<bool>& stop) = 0;
  /// Ends the statement at work. From any thread.
  virtual void interrupt() = 0;
};

/// On a server: in the session `own`, inside whatever transaction it has, or, where that is null,
/// in one of its own that only reads. All must outlive it. Errors: sql (see ServerSql).
Result<std::unique_ptr<QueryOrigin>> server_origin(Databases* databases, server::Connection* own,
                                                   Engine engine, const SqlStep& step,
                                                   const Pipeline& pipeline);
/// In a DuckDB file, in a transaction that only reads. All must outlive it.
std::unique_ptr<QueryOrigin> duckdb_origin(Databases& databases, const SqlStep& step,
                                           const Pipeline& pipeline);

}  // namespace weir::pipeline
