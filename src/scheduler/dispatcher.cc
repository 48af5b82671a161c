#include "scheduler/dispatcher.h"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "base/fault_point.h"
#include "base/log.h"
#include "text/receipt_json.h"

namespace weir::scheduler {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int most_tries = 5;
constexpr int most_tries_of_a_changing_input = 30;
constexpr milliseconds progress_interval{100};

/// Runs that one worker executes together.
struct Execution {
  std::vector<Run> runs;
  pipeline::Progress progress;
};

/// Runs that stay leased until they may be tried again.
struct Delayed {
  SteadyClock::time_point due;
  RunId run;
};

bool final_state(RunState state) { return state != RunState::queued && state != RunState::running; }

milliseconds delay_before_try(int tries, bool input_changed) {
  const milliseconds first = input_changed ? milliseconds(100) : milliseconds(500);
  return std::min(first * (1 << std::min(tries, 6)), milliseconds(10'000));
}

class QueueDispatcher final : public Dispatcher {
 public:
  QueueDispatcher(runlog::RunLog& log, pipeline::Executor& executor, const Clock& clock,
                  DispatcherOptions options)
      : log_(log), executor_(executor), clock_(clock), options_(options) {}
  ~QueueDispatcher() override { drain(milliseconds(0)); }

  void start() override;
  Result<std::vector<RunId>> submit(std::span<const Run> runs) override;
  Result<Run> wait(const RunId& id,
                   const std::function<void(const RunProgress&)>& on_progress) override;
  void wait_idle() override;
  void drain(milliseconds grace) override;

 private:
  void work();
  /// Blocks until there may be work. False: stop.
  bool await_work();
  void requeue_due(std::unique_lock<std::mutex>& lock);
  size_t batch_size();
  void execute(std::vector<Run> runs);
  void settle(Execution& execution, std::vector<pipeline::RunOutcome>& outcomes);
  bool try_again(const Run& run, const pipeline::RunOutcome& outcome, std::vector<Delayed>& delayed,
                 std::vector<RunId>& back);
  std::vector<runlog::LogLine> lines_about(const Run& run, const Receipt& receipt);
  void remember(const Execution& execution, const std::vector<pipeline::RunOutcome>& outcomes);
  RunProgress progress_of(const RunId& id);

  runlog::RunLog& log_;
  pipeline::Executor& executor_;
  const Clock& clock_;
  const DispatcherOptions options_;

  std::mutex mutex_;
  std::condition_variable work_;  // something was queued, or it is time to stop
  std::condition_variable done_;  // a run finished, or a worker went idle
  std::vector<std::thread> workers_;
  std::list<std::shared_ptr<Execution>> executing_;
  std::vector<Delayed> delayed_;
  bool may_have_work_ = false;
  bool stopping_ = false;
  int busy_ = 0;  // workers that lease or execute
};

void QueueDispatcher::start() {
  const std::lock_guard lock(mutex_);
  may_have_work_ = true;  // what an earlier owner left
  for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
}

Result<std::vector<RunId>> QueueDispatcher::submit(std::span<const Run> runs) {
  auto ids = WEIR_TRY(log_.enqueue(runs));
  const std::lock_guard lock(mutex_);
  may_have_work_ = true;
  work_.notify_one();
  return ids;
}

void QueueDispatcher::requeue_due(std::unique_lock<std::mutex>& lock) {
  const auto now = SteadyClock::now();
  std::vector<RunId> due;
  std::erase_if(delayed_, [&](const Delayed& delayed) {
    if (delayed.due > now) return false;
    due.push_back(delayed.run);
    return true;
  });
  if (due.empty()) return;
  lock.unlock();
  if (const auto done = log_.requeue(due); !done) {
    log::error("cannot queue runs again: {}", done.error().to_string());
  }
  lock.lock();
  may_have_work_ = true;
}

bool QueueDispatcher::await_work() {
  std::unique_lock lock(mutex_);
  --busy_;
  done_.notify_all();
  while (true) {
    requeue_due(lock);
    if (stopping_) return false;
    if (may_have_work_) break;
    if (delayed_.empty()) {
      work_.wait(lock);
    } else {
      const auto next =
          std::min_element(delayed_.begin(), delayed_.end(),
                           [](const auto& a, const auto& b) { return a.due < b.due; });
      work_.wait_until(lock, next->due);
    }
  }
  may_have_work_ = false;
  ++busy_;
  return true;
}

size_t QueueDispatcher::batch_size() {
  const auto queued = log_.count(RunState::queued);
  if (!queued) return 1;
  const auto workers = static_cast<size_t>(options_.workers);
  return std::clamp<size_t>((*queued + workers - 1) / workers, 1, options_.batch);
}

void QueueDispatcher::work() {
  {
    const std::lock_guard lock(mutex_);
    ++busy_;
  }
  while (await_work()) {
    auto leased = log_.lease(batch_size(), clock_.now());
    if (!leased) {
      log::error("cannot take runs from the queue: {}", leased.error().to_string());
      continue;
    }
    if (leased->empty()) continue;
    fault_point("run-leased");
    {
      const std::lock_guard lock(mutex_);
      may_have_work_ = true;  // there may be more; the next look costs little
      work_.notify_one();
    }
    execute(*std::move(leased));
  }
}

void QueueDispatcher::execute(std::vector<Run> runs) {
  const auto execution = std::make_shared<Execution>();
  execution->runs = std::move(runs);
  {
    const std::lock_guard lock(mutex_);
    executing_.push_back(execution);
  }
  std::vector<pipeline::RunOutcome> outcomes;
  try {
    outcomes = executor_.execute(execution->runs, execution->progress);
  } catch (const std::exception& exception) {
    outcomes.clear();
    for (const Run& run : execution->runs) {
      pipeline::RunOutcome outcome;
      outcome.receipt.run = run.id;
      outcome.receipt.pipeline = run.pipeline;
      outcome.receipt.object = run.object;
      outcome.receipt.status = RunState::failed;
      outcome.receipt.error =
          Error{ErrorCode::internal, std::string("the run threw: ") + exception.what()};
      outcomes.push_back(std::move(outcome));
    }
  }
  fault_point("run-executed");
  remember(*execution, outcomes);
  settle(*execution, outcomes);
  fault_point("run-finished");
  const std::lock_guard lock(mutex_);
  executing_.remove(execution);
  may_have_work_ = true;  // an object that waited for its earlier run
  done_.notify_all();
}

/// Decides whether a run is put aside for another try.
bool QueueDispatcher::try_again(const Run& run, const pipeline::RunOutcome& outcome,
                                std::vector<Delayed>& delayed, std::vector<RunId>& back) {
  const auto& error = outcome.receipt.error;
  if (!error || !error->retryable()) return false;
  if (error->code == ErrorCode::cancelled) {
    back.push_back(run.id);
    return true;
  }
  const int limit = outcome.requeue ? most_tries_of_a_changing_input : most_tries;
  if (run.tries >= limit) return false;
  delayed.push_back({SteadyClock::now() + delay_before_try(run.tries, outcome.requeue), run.id});
  return true;
}

/// What is worth a line in the run's log, and in the process log.
std::vector<runlog::LogLine> QueueDispatcher::lines_about(const Run& run, const Receipt& receipt) {
  if (!receipt.error && receipt.rows.rejected == 0) return {};
  std::string line = receipt.error ? receipt.error->to_string()
                                   : std::to_string(receipt.rows.rejected) + " rows rejected";
  const std::string what = run.object ? run.object->to_string() : run.pipeline.value();
  log::warning("{} {}: {}", run.id.value(), what, line);
  return {{clock_.now(), receipt.error ? "error" : "warning", std::move(line)}};
}

void QueueDispatcher::settle(Execution& execution, std::vector<pipeline::RunOutcome>& outcomes) {
  std::vector<runlog::FinishedRun> finished;
  std::vector<Delayed> delayed;
  std::vector<RunId> back;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const Run& run = execution.runs[i];
    const Receipt& receipt = outcomes[i].receipt;
    auto lines = lines_about(run, receipt);
    if (try_again(run, outcomes[i], delayed, back)) {
      for (const runlog::LogLine& line : lines) {
        static_cast<void>(log_.append_log(run.id, line.time, line.level, line.message));
      }
      continue;
    }
    finished.push_back({run.id, receipt.status, text::to_json(receipt).to_string(),
                        receipt.error ? receipt.error->to_string() : "", std::move(lines)});
  }
  // The rows are in: a failure here means the run is executed again and found in the ledger.
  if (!finished.empty()) {
    if (const auto done = log_.finish(finished, clock_.now()); !done) {
      log::error("cannot write receipts to the run log: {}", done.error().to_string());
    }
  }
  if (!back.empty()) {
    if (const auto done = log_.requeue(back); !done) {
      log::error("cannot queue runs again: {}", done.error().to_string());
    }
  }
  const std::lock_guard lock(mutex_);
  delayed_.insert(delayed_.end(), delayed.begin(), delayed.end());
  if (!delayed.empty()) work_.notify_one();
}

/// So that neither a rescan nor `weir run` looks at the object again. The watcher has done it for its
/// own runs when it queued them.
void QueueDispatcher::remember(const Execution& execution,
                               const std::vector<pipeline::RunOutcome>& outcomes) {
  std::vector<runlog::KnownObject> known;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const Run& run = execution.runs[i];
    if (!outcomes[i].seen || run.trigger == "watch") continue;
    const objects::ObjectStat& stat = *outcomes[i].seen;
    known.push_back({*run.object, stat.size_bytes, stat.mtime_ns, stat.ctime_ns, stat.inode});
  }
  if (known.empty()) return;
  const auto done = log_.remember(execution.runs.front().pipeline, known);
  if (!done) log::error("cannot write to the run log: {}", done.error().to_string());
}

RunProgress QueueDispatcher::progress_of(const RunId& id) {
  RunProgress out{id};
  for (const auto& execution : executing_) {
    for (const Run& run : execution->runs) {
      if (run.id != id) continue;
      out.bytes_read = execution->progress.bytes_read;
      out.bytes_total = execution->progress.bytes_total;
      out.rows_read = execution->progress.rows_read;
      return out;
    }
  }
  return out;
}

Result<Run> QueueDispatcher::wait(const RunId& id,
                                  const std::function<void(const RunProgress&)>& on_progress) {
  std::unique_lock lock(mutex_);
  while (true) {
    lock.unlock();
    auto run = WEIR_TRY(log_.find(id));
    if (!run) return fail(ErrorCode::not_found, "there is no run '" + id.value() + "'");
    if (final_state(run->state)) return *std::move(run);
    lock.lock();
    if (stopping_ && workers_.empty()) {
      return fail(ErrorCode::cancelled, "weir is stopping; the run stays queued",
                  "it is executed when weir runs again");
    }
    if (done_.wait_for(lock, progress_interval) == std::cv_status::timeout && on_progress) {
      const RunProgress progress = progress_of(id);
      lock.unlock();
      on_progress(progress);
      lock.lock();
    }
  }
}

void QueueDispatcher::wait_idle() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] {
    return (busy_ == 0 && !may_have_work_ && executing_.empty() && delayed_.empty()) || stopping_;
  });
}

void QueueDispatcher::drain(milliseconds grace) {
  std::vector<std::thread> workers;
  std::vector<RunId> back;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    work_.notify_all();
    if (!done_.wait_for(lock, grace, [this] { return executing_.empty(); })) {
      for (const auto& execution : executing_) execution->progress.cancel = true;
    }
    workers.swap(workers_);
    for (const Delayed& delayed : delayed_) back.push_back(delayed.run);
    delayed_.clear();
  }
  for (std::thread& worker : workers) worker.join();
  if (!back.empty()) {
    const auto done = log_.requeue(back);
    if (!done) log::error("cannot queue runs again: {}", done.error().to_string());
  }
  done_.notify_all();
}

}  // namespace

std::unique_ptr<Dispatcher> make_dispatcher(runlog::RunLog& log, pipeline::Executor& executor,
                                            const Clock& clock, DispatcherOptions options) {
  return std::make_unique<QueueDispatcher>(log, executor, clock, options);
}

}  // namespace weir::scheduler
