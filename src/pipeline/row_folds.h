#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "pipeline/row_query.h"

namespace weir::pipeline {

/// Rows of one input that went into others, or were filtered behind a dedupe.
struct FoldCounts {
  uint64_t folded = 0;
  uint64_t deduplicated = 0;
  uint64_t filtered = 0;
};

/// Runs the folds of a compiled pipeline: everything that stands before the last statement. Their
/// rows are in temporary tables, which spill. One thread at a time.
class RowFolds {
 public:
  /// Gives the values of a statement's run variables.
  using Parameters =
      std::function<Result<std::vector<duckdb::Parameter>>(const duckdb::Statement&)>;

  RowFolds(duckdb::Connection& connection, std::vector<RowFold> folds)
      : connection_(connection), folds_(std::move(folds)) {}

  bool any() const { return !folds_.empty(); }
  bool uses_run_variables() const;

  /// Empties the tables and reads the inputs into them. One element per input. Errors: sql, with
  /// the step that fails.
  Result<std::vector<FoldCounts>> run(size_t inputs, const Parameters& parameters);
  /// Gives the space back.
  Result<void> clear();

 private:
  Result<void> run_fold(const RowFold& fold, const Parameters& parameters,
                        std::vector<FoldCounts>& counts);

  duckdb::Connection& connection_;
  std::vector<RowFold> folds_;
};

}  // namespace weir::pipeline
