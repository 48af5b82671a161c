#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/run.h"
#include "pipeline/executor.h"
#include "runlog/run_log.h"
#include "scheduler/dispatch_rules.h"
#include "scheduler/run_observer.h"

namespace weir::scheduler {

struct DispatcherOptions {
  int workers = 2;
  size_t batch = 32;  ///< most runs leased at once
  DispatchRules rules = {};
  RunObserver* observer = nullptr;  ///< must outlive the dispatcher
  /// What must be told to others because a run ended so; written with its verdict. Empty: nothing.
  std::function<std::vector<runlog::Notice>(const Run&, const Receipt&, RunState)> notices_for = {};
};

/// A run's progress as seen from outside; bytes_total 0 = not known.
struct RunProgress {
  RunId id;
  uint64_t bytes_read = 0, bytes_total = 0, rows_read = 0;
};

/// Leases queued runs and executes them on a worker pool; asleep while there are none. `start` it
/// once; thread-safe.
///
/// A run that failed for a transient reason is tried again as its pipeline's RetryPolicy says; one
/// whose input changed under the reader is tried until it rests. Meanwhile it counts as running.
class Dispatcher {
 public:
  virtual ~Dispatcher() = default;

  /// Starts the workers. RunLog::recover() has been called before.
  virtual void start() = 0;
  /// Adds runs and wakes the workers; returns the ids that will do the work.
  virtual Result<std::vector<RunId>> submit(std::span<const Run> runs) = 0;
  /// Looks for work: runs were queued, or became due, past this dispatcher.
  virtual void wake() = 0;
  /// Waits until the run has finished and returns it; calls `on_progress` about every 100 ms
  /// while it executes. Errors: not_found, cancelled (drained before it ran).
  virtual Result<Run> wait(const RunId& id,
                           const std::function<void(const RunProgress&)>& on_progress) = 0;
  /// Waits until nothing is queued or running, or the dispatcher was drained.
  virtual void wait_idle() = 0;
  /// Stops leasing, lets running runs finish (cancels them after `grace`), joins the workers. What
  /// was cancelled is queued again. Runs submitted later stay queued for the next owner.
  virtual void drain(std::chrono::milliseconds grace) = 0;
};

/// The references must outlive the dispatcher, which drains without grace when destroyed.
std::unique_ptr<Dispatcher> make_dispatcher(runlog::RunLog& log, pipeline::Executor& executor,
                                            const Clock& clock, DispatcherOptions options);

}  // namespace weir::scheduler
