#pragma once

#include <functional>
#include <memory>
#include <optional>
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
#include "scheduler/run_waiters.h"
#include "scheduler/verdicts.h"

namespace weir::scheduler {

struct DispatcherOptions {
  int workers = 2;
  size_t batch = 32;  ///< most runs leased at once
  DispatchRules rules = {};
  RunObserver* observer = nullptr;    ///< must outlive the dispatcher
  NoticesFor notices_for = {};        ///< called when a verdict is written
  std::optional<uint64_t> seed = {};  ///< of the delays' spread; else of the machine's randomness
};

/// Leases queued runs and executes them on a worker pool; asleep while there are none. `start` it
/// once; thread-safe.
///
/// A run that failed for a transient reason is tried again as its pipeline's RetryPolicy says, then
/// parked; one that failed for any other is parked at once. One whose input changed under the
/// reader is tried until it rests. While a database cannot be opened, the runs that need it stay
/// queued and use up no tries; it is looked at again after a growing pause.
class Dispatcher {
 public:
  virtual ~Dispatcher() = default;

  /// Starts the workers. RunLog::recover() has been called before.
  virtual void start() = 0;
  /// Opens the databases now rather than at their first use; those that cannot be are down.
  virtual void open_databases() = 0;
  /// Adds runs and wakes the workers; returns the ids that will do the work.
  virtual Result<std::vector<RunId>> submit(std::span<const Run> runs) = 0;
  /// Looks for work: runs were queued, or became due, past this dispatcher.
  virtual void wake() = 0;
  /// Waits until the run has finished and returns it; calls `on_progress` about every 100 ms
  /// while it executes. Errors: not_found, cancelled (drained before it ran), unavailable (its
  /// database is down: it is queued).
  virtual Result<Run> wait(const RunId& id,
                           const std::function<void(const RunProgress&)>& on_progress) = 0;
  /// What is at work now, the oldest first; the runs of one batch show the progress of all of it.
  /// Waits for the dispatcher's own locks, so that one who does not get an answer knows it hangs.
  virtual std::vector<RunningRun> running() = 0;
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
