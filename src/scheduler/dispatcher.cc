#include "scheduler/dispatcher.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>

#include "base/check.h"
#include "base/fault_point.h"
#include "base/log.h"
#include "scheduler/held_runs.h"
#include "scheduler/turns.h"
#include "text/receipt_json.h"

namespace weir::scheduler {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds progress_interval{100};
constexpr milliseconds longest_backoff{5000};

milliseconds backoff(int failures) {
  return std::min(longest_backoff, milliseconds(50) * (1 << std::min(failures, 10)));
}

bool is_final(RunState state) { return state != RunState::queued && state != RunState::running; }

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

class WorkerPool final : public Dispatcher {
 public:
  WorkerPool(runlog::RunLog& log, pipeline::Executor& executor, const Clock& clock,
             DispatcherOptions options)
      : log_(log),
        executor_(executor),
        clock_(clock),
        options_(std::move(options)),
        turns_(options_.rules) {
    if (options_.observer == nullptr) options_.observer = &nobody_;
    options_.workers = std::max(1, options_.workers);
    options_.batch = std::max<size_t>(1, options_.batch);
  }
  ~WorkerPool() override { drain(milliseconds(0)); }

  void start() override;
  Result<std::vector<RunId>> submit(std::span<const Run> runs) override;
  void wake() override;
  Result<Run> wait(const RunId& id,
                   const std::function<void(const RunProgress&)>& on_progress) override;
  void wait_idle() override;
  void drain(milliseconds grace) override;

 private:
  /// What one batch comes to.
  struct Verdicts {
    std::vector<runlog::FinishedRun> finished;
    std::vector<std::pair<Run, Receipt>> told;  ///< to the observer, once `finished` is written
    std::vector<RunId> put_back;                ///< cancelled: the next owner's work
    std::vector<runlog::KnownObject> read;
  };
  /// A pipeline's turn ends however its batch does.
  class TurnEnd {
   public:
    TurnEnd(WorkerPool& pool, PipelineName pipeline)
        : pool_(pool), pipeline_(std::move(pipeline)) {}
    ~TurnEnd() { pool_.end_turn(pipeline_); }
    TurnEnd(const TurnEnd&) = delete;
    TurnEnd& operator=(const TurnEnd&) = delete;

   private:
    WorkerPool& pool_;
    PipelineName pipeline_;
  };
  struct Waiting {
    int waiters = 0;
    bool done = false;
  };

  void work();
  bool wait_for_work(uint64_t& seen);
  bool run_batch();
  void end_turn(const PipelineName& pipeline);
  size_t share_of(size_t queued) const;
  std::vector<Run> lease_batch();
  std::vector<pipeline::RunOutcome> execute(std::span<const Run> runs,
                                            pipeline::Progress& progress);
  Verdicts judge(std::span<const Run> runs, std::vector<pipeline::RunOutcome> outcomes);
  bool hold_for_retry(const Run& run, const pipeline::RunOutcome& outcome);
  RetryPolicy retry_policy(const Run& run, const pipeline::RunOutcome& outcome) const;
  runlog::FinishedRun finished(const Run& run, const Receipt& receipt) const;
  void write_down(const PipelineName& pipeline, const Verdicts& verdicts);
  bool finish(std::span<const runlog::FinishedRun> runs);
  void put_back(std::span<const RunId> ids);
  void pause(milliseconds time);
  void report_progress(const RunId& id, std::unique_lock<std::mutex>& lock,
                       const std::function<void(const RunProgress&)>& on_progress);

  runlog::RunLog& log_;
  pipeline::Executor& executor_;
  const Clock& clock_;
  RunObserver nobody_;
  DispatcherOptions options_;

  std::mutex lease_mutex_;                // one look into the queue at a time; taken before mutex_
  std::mutex drain_mutex_;                // one drain at a time; taken before mutex_
  std::mutex mutex_;                      // guards all below
  std::condition_variable work_changed_;  // for the workers
  std::condition_variable idle_changed_;  // for wait_idle and drain
  std::condition_variable done_changed_;  // for wait
  uint64_t generation_ = 0;               // grows when there may be new work
  int busy_ = 0;  // workers between looking for work and having written it down
  bool draining_ = false;
  bool cancelling_ = false;
  bool drained_ = false;
  int lease_failures_ = 0;
  Turns turns_;
  std::mt19937_64 random_{std::random_device()()};
  HeldRuns held_;
  std::unordered_map<RunId, std::shared_ptr<pipeline::Progress>> active_;
  std::unordered_map<RunId, Waiting> waiting_;
  std::vector<std::thread> workers_;
};

void WorkerPool::start() {
  const std::lock_guard lock(mutex_);
  WEIR_CHECK(workers_.empty() && !draining_, "a dispatcher is started once");
  generation_ = 1;  // there may be work from before
  for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
}

Result<std::vector<RunId>> WorkerPool::submit(std::span<const Run> runs) {
  auto ids = WEIR_TRY(log_.enqueue(runs));
  {
    const std::lock_guard lock(mutex_);
    ++generation_;
  }
  if (runs.size() == 1) {
    work_changed_.notify_one();
  } else {
    work_changed_.notify_all();
  }
  return ids;
}

void WorkerPool::wake() {
  const std::lock_guard lock(mutex_);
  ++generation_;
  work_changed_.notify_all();
}

void WorkerPool::work() {
  uint64_t seen = 0;
  while (wait_for_work(seen)) {
    bool more = true;
    try {
      more = run_batch();
    } catch (const std::exception& error) {
      // What was leased stays leased, and is recovered when the next owner starts.
      log::error("internal error in a worker: {}", error.what());
      pause(longest_backoff);
    }
    const std::lock_guard lock(mutex_);
    --busy_;
    if (more) --seen;  // look again before sleeping
    idle_changed_.notify_all();
  }
}

/// Sleeps until there may be work; false when it is time to go. Counts the worker as busy.
bool WorkerPool::wait_for_work(uint64_t& seen) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (draining_) return false;
    const auto due = held_.next_due();
    if (generation_ != seen || (due && *due <= std::chrono::steady_clock::now())) break;
    if (due) {
      work_changed_.wait_until(lock, *due);
    } else {
      work_changed_.wait(lock);
    }
  }
  seen = generation_;
  ++busy_;
  const auto due = held_.take_due(std::chrono::steady_clock::now());
  if (!due.empty()) {
    lock.unlock();
    put_back(due);
  }
  return true;
}

/// Leases, executes and writes down one batch. False: nothing can be leased now.
bool WorkerPool::run_batch() {
  const std::vector<Run> runs = lease_batch();
  if (runs.empty()) {
    const std::lock_guard lock(mutex_);
    return lease_failures_ > 0;
  }
  const TurnEnd turn_end(*this, runs.front().pipeline);
  fault_point("run-leased");
  const auto progress = std::make_shared<pipeline::Progress>();
  {
    const std::lock_guard lock(mutex_);
    progress->cancel = cancelling_;
    for (const Run& run : runs) active_[run.id] = progress;
  }
  for (const Run& run : runs) options_.observer->started(run);
  auto outcomes = execute(runs, *progress);
  fault_point("run-executed");
  write_down(runs.front().pipeline, judge(runs, std::move(outcomes)));
  fault_point("run-finished");
  return true;
}

void WorkerPool::end_turn(const PipelineName& pipeline) {
  const std::lock_guard lock(mutex_);
  turns_.end(pipeline);  // this worker looks for the next one: nobody need be woken
}

/// So many runs that other workers get some of one pipeline too, where they may.
size_t WorkerPool::share_of(size_t queued) const {
  int most = 1;
  for (const auto& [name, rules] : options_.rules.pipelines)
    most = std::max(most, rules.concurrency);
  const auto shares = static_cast<size_t>(std::min(most, options_.workers));
  return std::min(options_.batch, (queued + shares - 1) / shares);
}

std::vector<Run> WorkerPool::lease_batch() {
  const auto lease = [this]() -> Result<std::vector<Run>> {
    const std::lock_guard one_at_a_time(lease_mutex_);
    const size_t queued = WEIR_TRY(log_.count(RunState::queued));
    if (queued == 0) return std::vector<Run>();
    std::vector<PipelineName> busy;
    {
      const std::lock_guard lock(mutex_);
      busy = turns_.full_pipelines();
      const std::set<DatabaseName> closed = turns_.closed_databases();
      for (const auto& [pipeline, rules] : options_.rules.pipelines) {
        const auto is_closed = [&](const auto& name) { return closed.contains(name); };
        if (std::ranges::any_of(rules.databases, is_closed)) busy.push_back(pipeline);
      }
    }
    auto batch = WEIR_TRY(log_.lease(share_of(queued), clock_.now(), {.pipelines = busy}));
    if (!batch.empty()) {
      const std::lock_guard lock(mutex_);
      turns_.begin(batch.front().pipeline);
    }
    return batch;
  };
  auto runs = lease();
  int failures = 0;
  {
    const std::lock_guard lock(mutex_);
    failures = lease_failures_ = runs ? 0 : lease_failures_ + 1;
  }
  if (runs) return *std::move(runs);
  log::error("cannot take runs from the queue: {}", runs.error().to_string());
  pause(backoff(failures));
  return {};
}

std::vector<pipeline::RunOutcome> WorkerPool::execute(std::span<const Run> runs,
                                                      pipeline::Progress& progress) {
  std::string why;
  try {
    auto outcomes = executor_.execute(runs, progress);
    WEIR_CHECK(outcomes.size() == runs.size(), "every run has an outcome");
    return outcomes;
  } catch (const std::exception& error) {
    why = error.what();
  }
  std::vector<pipeline::RunOutcome> outcomes(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    Receipt& receipt = outcomes[i].receipt;
    receipt.run = runs[i].id;
    receipt.pipeline = runs[i].pipeline;
    receipt.object = runs[i].object;
    receipt.status = RunState::failed;
    receipt.error = Error{ErrorCode::internal, "the run broke off: " + why, "please report it"};
  }
  return outcomes;
}

WorkerPool::Verdicts WorkerPool::judge(std::span<const Run> runs,
                                       std::vector<pipeline::RunOutcome> outcomes) {
  Verdicts verdicts;
  for (size_t i = 0; i < runs.size(); ++i) {
    const Receipt& receipt = outcomes[i].receipt;
    const bool cancelled = receipt.error && receipt.error->code == ErrorCode::cancelled;
    bool draining = false;
    {
      const std::lock_guard lock(mutex_);
      draining = draining_;
    }
    if (draining && (cancelled || outcomes[i].requeue)) {
      verdicts.put_back.push_back(runs[i].id);
    } else if (!hold_for_retry(runs[i], outcomes[i])) {
      WEIR_CHECK(is_final(receipt.status), "an executed run has a verdict");
      verdicts.finished.push_back(finished(runs[i], receipt));
      verdicts.told.emplace_back(runs[i], receipt);
      // Neither a rescan nor `weir run` needs to look at it again. What the watcher queued, it has
      // remembered itself.
      if (outcomes[i].seen && runs[i].trigger != "watch") {
        const objects::ObjectStat& stat = *outcomes[i].seen;
        verdicts.read.push_back(
            {*runs[i].object, stat.size_bytes, stat.mtime_ns, stat.ctime_ns, stat.inode});
      }
    }
  }
  return verdicts;
}

/// The pipeline's, but no sooner than whoever was asked wants to be asked again.
RetryPolicy WorkerPool::retry_policy(const Run& run, const pipeline::RunOutcome& outcome) const {
  RetryPolicy policy = options_.rules.of(run.pipeline).retry;
  if (outcome.retry_after) {
    const milliseconds least = *outcome.retry_after * 5 / 4;  // a wait may be a fifth shorter
    policy.backoff = std::max(policy.backoff, least);
    policy.longest = std::max(policy.longest, least);
  }
  return policy;
}

/// Whether the run is to be tried again, later. It stays leased until then.
bool WorkerPool::hold_for_retry(const Run& run, const pipeline::RunOutcome& outcome) {
  const auto& error = outcome.receipt.error;
  const bool failed = outcome.receipt.status == RunState::failed && error && error->retryable();
  if (!outcome.requeue && !failed) return false;
  milliseconds told{0};
  std::string message =
      error ? one_line(error->to_string()) : "the input changed while it was read";
  {
    const std::lock_guard lock(mutex_);
    const SteadyTime now = std::chrono::steady_clock::now();
    const auto random = [&] { return std::uniform_real_distribution<>()(random_); };
    const auto delay = outcome.requeue
                           ? held_.hold_changed(run.id, now)
                           : held_.hold_failed(run.id, now, retry_policy(run, outcome), random());
    if (!delay) return false;
    told = *delay;
    message += fmt::format("; next try in {} ms", delay->count());
  }
  work_changed_.notify_one();  // a sleeping worker has to know when to wake
  if (const auto written = log_.append_log(run.id, {clock_.now(), "warning", message}); !written) {
    log::warning("run {}: {}", run.id.value(), message);
  }
  const Error changed{ErrorCode::input_changed, "the input changed while it was read"};
  options_.observer->retried(run, error ? *error : changed, told);
  return true;
}

runlog::FinishedRun WorkerPool::finished(const Run& run, const Receipt& receipt) const {
  runlog::FinishedRun result;
  result.id = run.id;
  result.state = receipt.status;
  result.receipt = text::to_json(receipt).to_string();
  if (receipt.error) result.error = one_line(receipt.error->to_string());
  if (receipt.status == RunState::failed || receipt.status == RunState::parked) {
    result.log.push_back({clock_.now(), "error", result.error});
    log::warning("{} of {}{}: {}", to_string(receipt.status), run.pipeline.value(),
                 run.object ? " on " + run.object->to_string() : "", result.error);
  } else if (receipt.status == RunState::partial) {
    result.log.push_back(
        {clock_.now(), "warning", fmt::format("{} rows were rejected", receipt.rows.rejected)});
  }
  if (options_.notices_for) result.notices = options_.notices_for(run, receipt, result.state);
  return result;
}

void WorkerPool::write_down(const PipelineName& pipeline, const Verdicts& verdicts) {
  if (!verdicts.read.empty()) {
    if (const auto known = log_.remember(pipeline, verdicts.read); !known) {
      log::warning("what was read will be looked at again: {}", known.error().to_string());
    }
  }
  if (!verdicts.put_back.empty()) put_back(verdicts.put_back);
  const bool written = verdicts.finished.empty() || finish(verdicts.finished);
  for (const auto& [run, receipt] : verdicts.told) {
    if (written) options_.observer->finished(run, receipt, receipt.status);
  }
  const std::lock_guard lock(mutex_);
  for (const RunId& id : verdicts.put_back) active_.erase(id);
  for (const auto& run : verdicts.finished) {
    active_.erase(run.id);
    held_.forget(run.id);
    const auto found = waiting_.find(run.id);
    if (written && found != waiting_.end()) found->second.done = true;
  }
  if (!waiting_.empty()) done_changed_.notify_all();
}

/// The rows are committed, so the verdict has to be written: a full disk is waited out, however
/// long. Given up, the run counts as running until the next owner executes it again and the ledger
/// recognises it.
bool WorkerPool::finish(std::span<const runlog::FinishedRun> runs) {
  for (int tries = 1;; ++tries) {
    const auto written = log_.finish(runs, clock_.now());
    if (written) return true;
    log::error("cannot write down {} finished runs: {}", runs.size(), written.error().to_string());
    {
      const std::lock_guard lock(mutex_);
      if (draining_ || !written.error().retryable()) return false;
    }
    pause(backoff(tries));
  }
}

void WorkerPool::put_back(std::span<const RunId> ids) {
  if (const auto written = log_.requeue(ids); !written) {
    log::error("cannot queue {} runs again: {}", ids.size(), written.error().to_string());
    if (!written.error().retryable()) return;
    const std::lock_guard lock(mutex_);
    for (const RunId& id : ids) held_.hold_changed(id, std::chrono::steady_clock::now());
    return;
  }
  const std::lock_guard lock(mutex_);
  ++generation_;
}

void WorkerPool::pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  idle_changed_.wait_for(lock, time, [this] { return draining_; });
}

Result<Run> WorkerPool::wait(const RunId& id,
                             const std::function<void(const RunProgress&)>& on_progress) {
  std::unique_lock lock(mutex_);
  ++waiting_[id].waiters;  // before the look into the log, so that no verdict passes unseen
  for (;;) {
    const bool last_look = drained_;
    lock.unlock();
    auto found = log_.find(id);
    lock.lock();
    const bool is_there = found && *found;
    if (!is_there || is_final((*found)->state) || last_look) {
      if (--waiting_[id].waiters == 0) waiting_.erase(id);
      if (!found) return fail(std::move(found).error());
      if (!is_there) return fail(ErrorCode::not_found, "there is no run " + id.value());
      if (is_final((*found)->state)) return **std::move(found);
      return fail(ErrorCode::cancelled, "weir stopped before run " + id.value() + " had ended",
                  "it is queued and will be run when weir is up again");
    }
    const auto ended = [&] { return waiting_[id].done || drained_; };
    if (!on_progress) {
      done_changed_.wait(lock, ended);
      continue;
    }
    while (!done_changed_.wait_for(lock, progress_interval, ended)) {
      report_progress(id, lock, on_progress);
    }
  }
}

void WorkerPool::report_progress(const RunId& id, std::unique_lock<std::mutex>& lock,
                                 const std::function<void(const RunProgress&)>& on_progress) {
  const auto found = active_.find(id);
  if (found == active_.end()) return;
  const std::shared_ptr<pipeline::Progress> progress = found->second;
  lock.unlock();
  on_progress({id, progress->bytes_read, progress->bytes_total, progress->rows_read});
  lock.lock();
}

void WorkerPool::wait_idle() {
  std::unique_lock lock(mutex_);
  idle_changed_.wait(lock, [this] {
    if (drained_) return true;
    if (busy_ > 0 || !held_.empty()) return false;
    const auto queued = log_.count(RunState::queued);
    return queued && *queued == 0;
  });
}

void WorkerPool::drain(milliseconds grace) {
  const std::lock_guard one_at_a_time(drain_mutex_);
  std::vector<std::thread> workers;
  {
    std::unique_lock lock(mutex_);
    if (drained_) return;
    draining_ = true;
    work_changed_.notify_all();
    idle_changed_.notify_all();
    idle_changed_.wait_for(lock, grace, [this] { return busy_ == 0; });
    cancelling_ = true;
    for (const auto& [id, progress] : active_) progress->cancel = true;
    workers.swap(workers_);
  }
  for (auto& worker : workers) worker.join();
  std::vector<RunId> held;
  {
    const std::lock_guard lock(mutex_);
    held = held_.take_all();
  }
  if (!held.empty()) put_back(held);
  const std::lock_guard lock(mutex_);
  drained_ = true;
  done_changed_.notify_all();
  idle_changed_.notify_all();
}

}  // namespace

std::unique_ptr<Dispatcher> make_dispatcher(runlog::RunLog& log, pipeline::Executor& executor,
                                            const Clock& clock, DispatcherOptions options) {
  return std::make_unique<WorkerPool>(log, executor, clock, std::move(options));
}

}  // namespace weir::scheduler
