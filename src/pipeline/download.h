#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "model/project.h"
#include "model/run.h"
#include "pipeline/executor.h"
#include "pipeline/resources.h"

namespace weir::pipeline {

/// Executes a run of a pipeline that downloads. Its receipt has no rows; its object is what was
/// fetched, with the version it has now: `succeeded` when that is new, `skipped` when it is not.
///
/// What came of an answer that broke off is kept, and the next try goes on there when the server
/// proves that it still is the same. An object appears in its bucket at once and whole; a run that
/// is repeated after a crash does not put it twice.
RunOutcome execute_download(const Project& project, Resources& resources, const Clock& clock,
                            const Pipeline& pipeline, const Run& run, Progress& progress);

/// What a run would do outside of every database, in sentences for people: what it would fetch, and
/// whom it would tell.
std::vector<std::string> describe_effects(Resources& resources, const Pipeline& pipeline,
                                          Timestamp scheduled_for);

}  // namespace weir::pipeline
