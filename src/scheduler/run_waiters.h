#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "pipeline/executor.h"
#include "runlog/run_log.h"

namespace weir::scheduler {

/// A run's progress as seen from outside; bytes_total 0 = not known.
struct RunProgress {
  RunId id;
  uint64_t bytes_read = 0, bytes_total = 0, rows_read = 0;
};

/// A run that is at work.
struct RunningRun {
  PipelineName pipeline;
  RunProgress progress;
};

/// Who waits for which run, and what is at work. Thread-safe.
class RunWaiters {
 public:
  explicit RunWaiters(runlog::RunLog& log) : log_(log) {}

  /// The runs are at work, and their progress is seen. It is cancelled at once after cancel().
  void begin(std::span<const Run> runs, const std::shared_ptr<pipeline::Progress>& progress);
  /// They are at work no more.
  void end(std::span<const Run> runs);
  /// What is at work, the oldest first.
  std::vector<RunningRun> running() const;
  /// The run's verdict is in the run log.
  void tell(const RunId& id);
  /// The run is queued again until what it needs can be reached: nobody knows how long that takes,
  /// so whoever waits for it now is told why, and waits no more.
  void put_off(const RunId& id, const Error& why);

  /// As Dispatcher::wait.
  Result<Run> wait(const RunId& id, const std::function<void(const RunProgress&)>& on_progress);

  /// Whatever is at work rolls back.
  void cancel();
  /// Nothing will be done any more: whoever waits goes away.
  void close();

 private:
  struct Active {
    PipelineName pipeline;
    std::shared_ptr<pipeline::Progress> progress;
  };
  struct Waiting {
    int waiters = 0;
    uint64_t told = 0;
  };

  void report(const RunId& id, std::unique_lock<std::mutex>& lock,
              const std::function<void(const RunProgress&)>& on_progress);

  runlog::RunLog& log_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  bool cancelled_ = false;
  bool closed_ = false;
  std::map<RunId, Active> active_;
  std::unordered_map<RunId, Waiting> waiting_;
  std::unordered_map<RunId, Error> put_off_;  // until they are at work again
};

}  // namespace weir::scheduler
