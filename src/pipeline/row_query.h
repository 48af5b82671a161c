#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "duckdb/database.h"
#include "pipeline/pipeline_parts.h"
#include "pipeline/row_identity.h"

namespace weir::pipeline {

class ServerDialect;

/// A rule a row can break inside the query; its number is first_rule + its index.
struct RowRule {
  std::string field;
  std::string rule;
  std::string message;  ///< one sentence; "{}" stands for the value
};

/// A step that makes fewer rows of many. Good rows are read into temporary tables first; what is
/// behind the step reads these.
struct RowFold {
  const Step* step = nullptr;
  std::vector<std::string> tables;  ///< quoted; to be emptied before each load
  std::vector<std::string> fills;   ///< statements, in order; may hold run variables
  /// A SELECT of the input and how many of its rows were folded, deduplicated and, behind a dedupe,
  /// filtered.
  std::string counts;
};

/// A pipeline's row steps and its table's contract: the folds, in order, then one SELECT that gives
/// the table's columns in its order and `weir_row`, for good rows only. Every other row goes
/// through weir_reject (once per problem) or weir_filtered exactly once, because each of these
/// statements has exactly one WHERE.
struct RowQuery {
  std::string sql;
  std::vector<RowFold> folds;
  std::vector<RowRule> rules;
  bool reads_tables = false;  ///< beside the input, some table: to be planned anew for each load
  RowIdentity identity = RowIdentity::record;
  /// Rows are not the input's records but made of them: a reject of the load carries its row.
  bool produced = false;
};

/// What is wrong with one piece of the user's SQL, or with the column it makes.
struct SqlProblem {
  const SqlText* text = nullptr;  ///< null: see `column`
  std::string column;             ///< the table's column that cannot be made; empty: `location`
  Error error;                    ///< as DuckDB words it
  int prefix_bytes = 0;           ///< how much of the statement stands before the text
  Location location = {};         ///< of a name, when it is neither
};

/// `source` is SQL of a relation with the source columns and weir_row; `slot` is what the verdict
/// functions are told; `dialect` is of the table's server, null when it is in DuckDB. With
/// `problems` all of them are gathered there, and the query is not to be run when there are any.
/// Errors: sql.
Result<RowQuery> compile_rows(const PipelineParts& parts, duckdb::Database& database,
                              duckdb::Connection& connection, const std::string& source,
                              int64_t slot, int first_rule, const ServerDialect* dialect = nullptr,
                              std::vector<SqlProblem>* problems = nullptr);

/// The columns of the rows that reach the step with this index in the pipeline. Errors: sql.
Result<std::vector<duckdb::ResultColumn>> columns_before(const PipelineParts& parts,
                                                         duckdb::Database& database,
                                                         duckdb::Connection& connection, int step);

/// SQL of the relation a sql step gives, with weir_row.
std::string sql_source(const SqlStep& step);

}  // namespace weir::pipeline
