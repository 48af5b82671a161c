#pragma once

#include <vector>

#include "base/result.h"
#include "model/project.h"

namespace weir::pipeline {

/// The parts of a pipeline that this build runs: where rows come from, what is done to each, where
/// they go. Points into the project.
struct PipelineParts {
  const Pipeline* pipeline = nullptr;
  const ReadStep* read = nullptr;  ///< one of the two
  const SqlStep* sql = nullptr;
  /// The sql step runs elsewhere than in the DuckDB where its rows are worked on.
  bool fetched = false;
  std::vector<const Step*> row_steps;  ///< select and where, in order
  const LoadStep* load = nullptr;
  const Table* table = nullptr;
  std::vector<ReadColumn> source_columns;  ///< of `read`; the table's when it declares none
};

/// Errors: not_yet for steps, modes and formats that this build knows but does not run.
Result<PipelineParts> take_apart(const Project& project, const Pipeline& pipeline);

}  // namespace weir::pipeline
