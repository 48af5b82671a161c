#pragma once

#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/project.h"
#include "model/run.h"
#include "pipeline/resources.h"
#include "runlog/run_log.h"

namespace weir::scheduler {

/// A run asked for by a person. `object`: none for pipelines that begin with sql.
Run make_manual_run(const Pipeline& pipeline, const std::optional<ObjectRef>& object,
                    Timestamp now);

/// What `weir run PIPELINE` without --object does: a run per object that one of the pipeline's
/// triggers matches and that is unknown to the run log, has changed since, or whose last run
/// failed; oldest change first, then by key. With `force` a run per matching object. What is still
/// being written is left out, with a warning. For a pipeline that begins with sql: one run.
/// Errors: not_found (bucket), io, usage (it reads, but has no object trigger).
Result<std::vector<Run>> pending_runs(const Pipeline& pipeline, pipeline::Resources& resources,
                                      runlog::RunLog& log, const Clock& clock, bool force);

}  // namespace weir::scheduler
