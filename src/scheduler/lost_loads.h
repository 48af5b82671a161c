#pragma once

#include <span>

#include "base/result.h"
#include "model/project.h"
#include "pipeline/resources.h"
#include "runlog/run_log.h"

namespace weir::scheduler {

/// The run log remembers which objects are in, so that nobody has to look at them again. A database
/// that was deleted, or put back from a backup, has lost what the run log takes for loaded: when
/// its ledger does not know what a pipeline's newest run loaded, or found loaded, what is
/// remembered of the pipeline's objects is forgotten, with a warning, and each is held against the
/// ledger again. A database that cannot be asked is taken at the run log's word.
/// Errors: those of the run log.
Result<void> forget_lost_loads(const Project& project, std::span<const Pipeline> pipelines,
                               pipeline::Resources& resources, runlog::RunLog& log);

}  // namespace weir::scheduler
