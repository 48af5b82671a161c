#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/api.h"
#include "model/project.h"
#include "pipeline/databases.h"
#include "pipeline/text_rows.h"

namespace weir::pipeline {

/// One asking of a named query: its SQL with values bound, in a transaction that only reads and is
/// rolled back. One of its calls, once, on one thread; `interrupt` from any.
class NamedQueryRun {
 public:
  virtual ~NamedQueryRun() = default;

  /// The rows as text, in the query's order and bounded memory, until they are not wanted. Errors:
  /// sql, at its place in the project file; invalid_input (a value that DuckDB cannot hold, a
  /// parameter that the server cannot); cancelled; those of the database.
  virtual Result<void> stream(const TextRows& to) = 0;
  /// The rows as a Parquet file, written by DuckDB at this path. Errors: as stream; io.
  virtual Result<void> write_parquet(const std::string& path) = 0;
  /// Ends the statement at work. It may miss one that has not begun: call again.
  virtual void interrupt() = 0;
};

/// `values`: of its parameters in their order, as parameter_value() spells them. All must outlive
/// it; what is asked for is looked at when it runs. Errors: none; those of `stream`, there.
std::unique_ptr<NamedQueryRun> make_named_query_run(const Project& project, Databases& databases,
                                                    const NamedQuery& query,
                                                    const std::vector<std::string>& values);

/// Whether two columns of one name keep rows from being objects: the error that says so. Errors:
/// sql, at the query.
Result<void> check_column_names(const NamedQuery& query,
                                const std::vector<duckdb::ResultColumn>& columns);

}  // namespace weir::pipeline
