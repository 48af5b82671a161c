#pragma once

#include <vector>

#include "base/clock.h"
#include "model/project.h"
#include "model/receipt.h"
#include "model/run.h"
#include "runlog/run_log_values.h"

namespace weir::pipeline {

/// What the pipeline's notify steps say of a run that has ended in `state`; at most one notice per
/// step (docs/guide/notify.md has the rules and the message). A notice's id is
/// RUN.STEP.MILLISECONDS of the verdict: it stays the same however often it is sent, and a run that
/// is taken up again and ends once more has another one.
std::vector<runlog::Notice> notices_for(const Project& project, const Run& run,
                                        const Receipt& receipt, RunState state, Timestamp now);

}  // namespace weir::pipeline
