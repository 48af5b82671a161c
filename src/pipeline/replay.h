#pragma once

#include "base/result.h"
#include "pipeline/executor.h"
#include "pipeline/replay_order.h"

namespace weir::pipeline {

/// Feeds the records of rejects through their pipeline again: steps, contract, load. What is good
/// is in, and its rejects are resolved, in the same transaction (one per step at which rows go in);
/// what is not stays, with its new problems. `run` is the replay's own. Memory does not grow with
/// the number of rows.
/// Errors: invalid_input (the file, with file:line:column; rows that cannot be replayed one by
/// one), not_found (the pipeline, the file), busy (resolved by another meanwhile), and those of a
/// load.
Result<Receipt> replay_rejects(const Project& project, Resources& resources, const Clock& clock,
                               const Run& run, const ReplayOrder& order, Progress& progress);

/// A replay whose process died: the receipt it had committed. Errors: invalid_input, when it had
/// committed nothing.
Result<Receipt> interrupted_replay(Resources& resources, const RunId& replay);

}  // namespace weir::pipeline
