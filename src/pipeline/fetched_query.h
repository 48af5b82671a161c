#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/pipeline_parts.h"
#include "pipeline/query_origin.h"

namespace weir::pipeline {

/// The rows of a sql step that runs elsewhere, in a temporary table of the DuckDB where they are
/// worked on: in the order in which the step's database gives them, which decides what "the last
/// one" is. The table spills. One thread at a time, except `interrupt`.
class FetchedQuery {
 public:
  /// Describes the query and makes the table. `own`: the session of the target, where that is the
  /// step's database too. All must outlive it; null `databases`: no other database can be asked.
  /// Errors: those of QueryOrigin.
  static Result<std::unique_ptr<FetchedQuery>> open(duckdb::Connection& connection,
                                                    const Project& project,
                                                    const PipelineParts& parts,
                                                    Databases* databases, server::Connection* own);

  /// SQL of the relation, with weir_row.
  std::string source() const;
  /// Whether the query gives other columns than when it was opened. Errors: as open.
  Result<bool> has_changed();
  /// Reads the rows for a run. Errors: as QueryOrigin::copy.
  Result<void> fetch(Timestamp scheduled_for, const std::atomic<bool>& stop);
  /// Gives the space of the rows back.
  Result<void> clear();
  void interrupt() { origin_->interrupt(); }

 private:
  FetchedQuery(duckdb::Connection& connection, std::unique_ptr<QueryOrigin> origin,
               std::string table)
      : connection_(connection), origin_(std::move(origin)), table_(std::move(table)) {}

  duckdb::Connection& connection_;
  std::unique_ptr<QueryOrigin> origin_;
  const std::string table_;
  std::vector<duckdb::ResultColumn> columns_;
};

}  // namespace weir::pipeline
