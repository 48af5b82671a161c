#pragma once

#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/project.h"

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
/// first. Errors: invalid_project, when a schedule cannot be read on this machine.
Result<std::vector<ComingFire>> coming_fires(const Project& project, const PipelineName& only,
                                             Timestamp now, size_t limit);

}  // namespace weir::scheduler
