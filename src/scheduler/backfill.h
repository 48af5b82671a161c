#pragma once

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/project.h"
#include "model/run.h"

namespace weir::scheduler {

/// One run for each fire of the pipeline's schedules between `from` and `to`, both included, oldest
/// first: not queued, trigger "backfill", one below the pipeline's priority, so that they give way
/// to what is on time. Dates select by ${run.day}, "2026-11-20T09:00:00Z" (or an offset) by
/// ${run.scheduled_for}. Errors: usage, with the fix: no such date, no cron trigger, no fire in
/// between, or more than 100,000.
Result<std::vector<Run>> backfill_runs(const Pipeline& pipeline, std::string_view from,
                                       std::string_view to, Timestamp now);

}  // namespace weir::scheduler
