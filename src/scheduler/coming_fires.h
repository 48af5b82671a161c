#pragma once

#include <span>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/project.h"
#include "runlog/run_log_values.h"

namespace weir::scheduler {

/// A fire that has not come yet.
struct ComingFire {
  PipelineName pipeline;
  const CronTrigger* trigger = nullptr;  ///< of the project
  Timestamp time{};
  std::chrono::local_seconds local{};  ///< what the clocks of its zone will show
  std::chrono::seconds offset{0};      ///< local time minus UTC
};

/// The next `limit` fires of all pipelines (of one, when `only` is not empty) after `now`, soonest
/// first. What a schedule's mark says has fired does not come again, though the clock may have been
/// set back before it. Errors: invalid_project, when a schedule cannot be read on this machine.
Result<std::vector<ComingFire>> coming_fires(const Project& project, const PipelineName& only,
                                             std::span<const runlog::ScheduleMark> marks,
                                             Timestamp now, size_t limit);

}  // namespace weir::scheduler
