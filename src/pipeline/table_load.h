#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "model/pipeline.h"
#include "model/table.h"
#include "pipeline/row_query.h"

namespace weir::pipeline {

/// What a load did with the rows of one input.
struct LoadCounts {
  uint64_t staged = 0;  ///< good rows that reached the load; 0 where nothing is staged
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t unchanged = 0;
  uint64_t deduplicated = 0;
};

/// Moves the good rows of a RowQuery into a DuckDB table. A table with a key goes through a
/// temporary stage: duplicates are decided there by input order, and the key is enforced by joins,
/// which spill, rather than by an index, which does not.
class TableLoad {
 public:
  /// A row that loses its place to another one: append keeps the first.
  using RejectRow = std::function<void(int64_t row, const std::string& key_text, bool in_batch)>;

  TableLoad(duckdb::Connection& connection, const Table& table, LoadMode mode, RowQuery query,
            std::string stage_name);

  bool keyed() const { return !table_.key.empty(); }

  /// Before the first load: makes the stage and plans the query.
  Result<void> prepare();
  /// Plans the query again: needed before each run when it reads tables of the database.
  Result<void> plan();

  /// Empties the stage and reads the input into it. Reads nothing when the table has no key.
  Result<void> stage(std::span<const duckdb::Parameter> parameters);

  /// Inside the transaction; for keyed tables under the table's lock. `inputs`: how many the query
  /// reads. Returns the counts per input, or `busy` when two inputs of one merge share a key and so
  /// must be loaded one after the other. Without a key only the sum is known: in element 0.
  Result<std::vector<LoadCounts>> apply(size_t inputs,
                                        std::span<const duckdb::Parameter> parameters,
                                        const RejectRow& reject_row);

  size_t parameter_index(const std::string& name) const;  ///< of the query, from 1; 0 = none
  size_t parameter_count() const;

 private:
  Result<void> reject_duplicates(const RejectRow& reject_row);
  Result<void> keep_last(std::vector<LoadCounts>& counts);
  Result<std::vector<LoadCounts>> staged_counts(size_t inputs);
  Result<void> merge(std::vector<LoadCounts>& counts);
  Result<void> append(std::vector<LoadCounts>& counts);
  Result<duckdb::Rows> run(const std::string& sql);
  std::string key_list(std::string_view prefix) const;
  std::string column_list(std::string_view prefix) const;
  std::string keys_equal() const;
  std::string values_differ() const;

  duckdb::Connection& connection_;
  const Table& table_;
  LoadMode mode_;
  RowQuery query_;
  std::string stage_;                        // quoted
  std::string target_;                       // quoted
  std::unique_ptr<duckdb::Statement> fill_;  // query → stage, or query → target without a key
};

/// "schema"."table" of a dictionary table in DuckDB.
std::string target_name(const Table& table);

/// Before a load: creates the table when it is missing (pipeline/drift.h). Errors: sql when a load
/// into the table that is there would fail, naming the first difference.
Result<void> ensure_table(duckdb::Connection& connection, const Table& table);

}  // namespace weir::pipeline
