#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "model/project.h"
#include "runlog/run_log.h"
#include "scheduler/alarm.h"

namespace weir::scheduler {

/// Turns the project's cron triggers into runs, in a thread that sleeps until the next fire. What
/// becomes of it when the process dies or the clock is set: cron_book.h.
class Cron {
 public:
  virtual ~Cron() = default;
  /// Returns when the marks are read and what was missed is being made up for. Errors: the run
  /// log's; invalid_project, when a schedule cannot be read on this machine.
  virtual Result<void> start() = 0;
  /// Returns when nothing fires any more.
  virtual void stop() = 0;
};

/// `fired` is called when runs were queued. The references must outlive it.
std::unique_ptr<Cron> make_cron(const Project& project, runlog::RunLog& log, const Clock& clock,
                                std::unique_ptr<Alarm> alarm, std::function<void()> fired);

}  // namespace weir::scheduler
