#pragma once

#include <span>
#include <vector>

#include "pipeline/executor.h"

namespace weir::scheduler {

/// Executes the runs; an exception becomes a failure. One that several runs threw together says
/// nothing about which of them is to blame: each is then executed on its own.
std::vector<pipeline::RunOutcome> guarded_execute(pipeline::Executor& executor,
                                                  std::span<const Run> runs,
                                                  pipeline::Progress& progress);

/// Executor::reach; an exception becomes an error.
Result<void> guarded_reach(pipeline::Executor& executor, const DatabaseName& database);

}  // namespace weir::scheduler
