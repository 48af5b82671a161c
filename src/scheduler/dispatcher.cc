#include "scheduler/dispatcher.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/fault_point.h"
#include "base/log.h"
#include "scheduler/guarded_execution.h"
#include "scheduler/lease_desk.h"
#include "scheduler/verdict_journal.h"

namespace weir::scheduler {
namespace {

using std::chrono::milliseconds;

/// How long a worker rests after the queue could not be read, or after a bug of weir's own.
constexpr RetryPolicy rests{
    .times = 0, .backoff = milliseconds(100), .longest = milliseconds(5000)};
/// The clock may be set meanwhile: nobody sleeps longer than that on its account.
constexpr milliseconds longest_sleep{5000};

class WorkerPool final : public Dispatcher {
 public:
  WorkerPool(runlog::RunLog& log, pipeline::Executor& executor, const Clock& clock,
             DispatcherOptions options)
      : log_(log),
        executor_(executor),
        clock_(clock),
        options_(std::move(options)),
        observer_(options_.observer == nullptr ? nobody_ : *options_.observer),
        workers_wanted_(std::max(1, options_.workers)),
        dice_(options_.seed ? *options_.seed : std::random_device()()),
        desk_(log, clock, options_.rules, dice_, observer_,
              {workers_wanted_, std::max<size_t>(1, options_.batch)}),
        judge_(options_.rules, clock, dice_, options_.notices_for),
        journal_(log, clock, [this](milliseconds time) { return pause(time); }),
        waiters_(log) {}
  ~WorkerPool() override { drain(milliseconds(0)); }

  void start() override;
  void open_databases() override;
  Result<std::vector<RunId>> submit(std::span<const Run> runs) override;
  void wake() override;
  Result<Run> wait(const RunId& id,
                   const std::function<void(const RunProgress&)>& on_progress) override {
    return waiters_.wait(id, on_progress);
  }
  std::vector<RunningRun> running() override;
  void wait_idle() override;
  void drain(milliseconds grace) override;

 private:
  /// A pipeline's turn ends however its batch does.
  class TurnEnd {
   public:
    TurnEnd(LeaseDesk& desk, PipelineName pipeline) : desk_(desk), pipeline_(std::move(pipeline)) {}
    ~TurnEnd() { desk_.end_turn(pipeline_); }
    TurnEnd(const TurnEnd&) = delete;
    TurnEnd& operator=(const TurnEnd&) = delete;

   private:
    LeaseDesk& desk_;
    PipelineName pipeline_;
  };

  void work();
  bool wait_for_work(uint64_t& seen);
  bool do_some_work(PipelineName& last);
  bool probe();
  bool run_batch(PipelineName& last);
  std::vector<Run> lease_batch();
  void write_down(std::span<const Run> runs, const Verdicts& verdicts);
  void reach(const DatabaseName& database);
  void wake_one();
  bool is_draining();
  bool pause(milliseconds time);

  runlog::RunLog& log_;
  pipeline::Executor& executor_;
  const Clock& clock_;
  const DispatcherOptions options_;
  RunObserver nobody_;
  RunObserver& observer_;
  const int workers_wanted_;
  Dice dice_;
  LeaseDesk desk_;
  const Judge judge_;
  VerdictJournal journal_;
  RunWaiters waiters_;

  std::mutex drain_mutex_;                // one drain at a time; taken before mutex_
  std::mutex mutex_;                      // guards all below; taken before the desk's
  std::condition_variable work_changed_;  // for the workers
  std::condition_variable idle_changed_;  // for wait_idle, drain and pause
  uint64_t generation_ = 0;               // grows when there may be new work
  int busy_ = 0;  // workers between looking for work and having written it down
  bool draining_ = false;
  bool drained_ = false;
  int lease_failures_ = 0;
  std::vector<std::thread> workers_;
};

void WorkerPool::start() {
  const std::lock_guard lock(mutex_);
  WEIR_CHECK(workers_.empty() && !draining_, "a dispatcher is started once");
  generation_ = 1;  // there may be work from before
  for (int i = 0; i < workers_wanted_; ++i) workers_.emplace_back([this] { work(); });
}

void WorkerPool::open_databases() {
  std::set<DatabaseName> databases;
  for (const auto& [name, rules] : options_.rules.pipelines) {
    databases.insert(rules.databases.begin(), rules.databases.end());
  }
  for (const DatabaseName& database : databases) reach(database);
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

void WorkerPool::wake_one() {
  const std::lock_guard lock(mutex_);
  ++generation_;
  work_changed_.notify_one();
}

void WorkerPool::work() {
  uint64_t seen = 0;
  PipelineName last;  // whose turn ended last in this worker
  while (wait_for_work(seen)) {
    bool more = true;
    try {
      more = do_some_work(last);
    } catch (const std::exception& error) {
      // What was leased stays leased, and is recovered when the next owner starts.
      log::error("internal error in a worker: {}", error.what());
      pause(rests.longest);
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
  while (!draining_) {
    const Timestamp now = clock_.now();
    const auto due = desk_.next_look(now);
    if (generation_ != seen || (due && *due <= now)) {
      seen = generation_;
      ++busy_;
      return true;
    }
    if (due) {
      const auto sleep = std::chrono::ceil<milliseconds>(*due - now);
      work_changed_.wait_for(lock, std::min(sleep, longest_sleep));
    } else {
      work_changed_.wait(lock);
    }
  }
  return false;
}

bool WorkerPool::do_some_work(PipelineName& last) {
  const bool probed = probe();
  return run_batch(last) || probed;
}

bool WorkerPool::probe() {
  const auto database = desk_.take_probe();
  if (!database) return false;
  reach(*database);
  return true;
}

void WorkerPool::reach(const DatabaseName& database) {
  const auto reached = guarded_reach(executor_, database);
  if (!reached) {
    desk_.found_down(database, reached.error());
    const std::lock_guard lock(mutex_);
    work_changed_.notify_one();  // a sleeping worker has to know when to wake
  } else if (desk_.found_up(database)) {
    wake();
  }
}

/// Leases, executes and writes down one batch. False: nothing can be leased now.
bool WorkerPool::run_batch(PipelineName& last) {
  const std::vector<Run> runs = lease_batch();
  if (runs.empty()) {
    const std::lock_guard lock(mutex_);
    return lease_failures_ > 0;
  }
  const TurnEnd turn_end(desk_, runs.front().pipeline);
  // The turn that this worker ended before may be another's now.
  if (std::exchange(last, runs.front().pipeline) != runs.front().pipeline) wake_one();
  fault_point("run-leased");
  const auto progress = std::make_shared<pipeline::Progress>();
  waiters_.begin(runs, progress);
  for (const Run& run : runs) observer_.started(run);
  auto outcomes = guarded_execute(executor_, runs, *progress);
  fault_point("run-executed");
  for (size_t i = 0; i < runs.size(); ++i) {
    const uint64_t bytes = outcomes[i].downloaded_bytes;
    if (bytes > 0) observer_.downloaded(runs[i], bytes);
  }
  const Draining draining = is_draining() ? Draining::yes : Draining::no;
  write_down(runs, judge_.judge(runs, std::move(outcomes), draining));
  fault_point("run-finished");
  return true;
}

std::vector<Run> WorkerPool::lease_batch() {
  auto runs = desk_.take();
  int failures = 0;
  {
    const std::lock_guard lock(mutex_);
    failures = lease_failures_ = runs ? 0 : lease_failures_ + 1;
  }
  if (runs) return *std::move(runs);
  log::error("cannot take runs from the queue: {}", runs.error().to_string());
  pause(retry_delay(rests, failures, dice_.roll()));
  return {};
}

void WorkerPool::write_down(std::span<const Run> runs, const Verdicts& verdicts) {
  // Before they are back in the queue: or they would be leased again at once.
  for (const auto& [database, error] : verdicts.down) desk_.found_down(database, error);
  if (verdicts.worked) desk_.worked(runs.front().pipeline);
  const auto written = journal_.write(verdicts);
  waiters_.end(runs);
  for (const RepeatedRun& again : verdicts.repeated) {
    observer_.retried(again.run, again.error, again.delay);
    if (again.down) waiters_.put_off(again.run.id, again.error);
  }
  for (const size_t i : written) {
    const EndedRun& ended = verdicts.ended[i];
    observer_.finished(ended.run, ended.receipt, ended.finished.state);
    waiters_.tell(ended.run.id);
  }
  if (!verdicts.repeated.empty()) wake();  // somebody has to know when they are due
}

bool WorkerPool::is_draining() {
  const std::lock_guard lock(mutex_);
  return draining_;
}

/// False when there is no time for it: weir is stopping.
bool WorkerPool::pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  return !idle_changed_.wait_for(lock, time, [this] { return draining_; });
}

std::vector<RunningRun> WorkerPool::running() {
  static_cast<void>(desk_.next_look(clock_.now()));  // the desk's lock
  const std::lock_guard lock(mutex_);
  return waiters_.running();
}

void WorkerPool::wait_idle() {
  std::unique_lock lock(mutex_);
  idle_changed_.wait(lock, [this] {
    if (drained_) return true;
    if (busy_ > 0) return false;
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
    workers.swap(workers_);
  }
  waiters_.cancel();
  for (auto& worker : workers) worker.join();
  {
    const std::lock_guard lock(mutex_);
    drained_ = true;
    idle_changed_.notify_all();
  }
  waiters_.close();
}

}  // namespace

std::unique_ptr<Dispatcher> make_dispatcher(runlog::RunLog& log, pipeline::Executor& executor,
                                            const Clock& clock, DispatcherOptions options) {
  return std::make_unique<WorkerPool>(log, executor, clock, std::move(options));
}

}  // namespace weir::scheduler
