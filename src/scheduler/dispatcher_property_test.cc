// Random failures, outages, clock jumps and restarts: every run ends as it must, and no rule about
// what may be at work together is ever broken.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "io/temporary_folder_for_test.h"
#include "scheduler/dispatcher.h"
#include "scheduler/fake_executor_for_test.h"
#include "scheduler/simulated_clock_for_test.h"

namespace weir::scheduler::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Try { transient, changed, success, broken, exception };

/// What becomes of each try of a run; the last one repeats.
using Script = std::vector<Try>;

RunState end_of(const Script& script, const RetryPolicy& policy) {
  int failures = 0;
  for (size_t i = 0;; ++i) {
    switch (script[std::min(i, script.size() - 1)]) {
      case Try::success: return RunState::succeeded;
      case Try::broken:
      case Try::exception: return RunState::parked;
      case Try::changed: break;
      case Try::transient:
        if (failures++ == policy.times) return RunState::parked;
    }
  }
}

/// Does what the scripts say, and checks that nothing is at work that must not be.
class ScriptedExecutor final : public pipeline::Executor, public RunObserver {
 public:
  explicit ScriptedExecutor(const DispatchRules& rules) : rules_(rules) {}

  void script(const RunId& run, Script script) {
    const std::lock_guard lock(mutex_);
    scripts_[run] = {std::move(script), 0};
  }
  void set_down(const DatabaseName& database, bool down) {
    const std::lock_guard lock(mutex_);
    if (down) down_.insert(database);
    if (!down) down_.erase(database);
  }

  std::vector<pipeline::RunOutcome> execute(std::span<const Run> runs,
                                            pipeline::Progress& progress) override {
    const PipelineRules& rules = rules_.of(runs.front().pipeline);
    enter(runs.front().pipeline, rules);
    std::this_thread::yield();
    const AtWork leave(*this, runs.front().pipeline, rules);
    std::vector<pipeline::RunOutcome> outcomes;
    for (const Run& run : runs) outcomes.push_back(one(run, rules, progress));
    const bool thrown = std::ranges::any_of(outcomes, [](const auto& outcome) {
      return outcome.receipt.error && outcome.receipt.error->message == "thrown";
    });
    // What shared a transaction with it is rolled back with it.
    if (thrown) {
      undo(outcomes);
      remember_broken(runs);
      throw std::runtime_error("poison");
    }
    count_outage(runs, outcomes);
    return outcomes;
  }
  void order_replay(const RunId&, pipeline::ReplayOrder) override {}
  Result<bool> is_loaded(const PipelineName&, const ObjectRef&) override { return false; }
  Result<void> reach(const DatabaseName& database) override {
    const std::lock_guard lock(mutex_);
    if (down_.contains(database)) return fail(ErrorCode::busy, "somebody has it open");
    return {};
  }

  void breaker(const DatabaseName&, BreakerState state, const std::string&) override {
    const std::lock_guard lock(mutex_);
    if (state == BreakerState::open) ++openings_;
  }
  void finished(const Run& run, const Receipt&, RunState) override {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(finished_.insert(run.id).second) << "told twice";
  }

  int committed(const RunId& run) {
    const std::lock_guard lock(mutex_);
    const auto found = ledger_.find(run);
    return found == ledger_.end() ? 0 : found->second;
  }
  void stopped() { ++stops_; }
  void check_outages(int workers) {
    const std::lock_guard lock(mutex_);
    // At each opening a worker may hold one batch that was leased before; one that ends while weir
    // stops opens nothing.
    EXPECT_LE(down_batches_, (openings_ + stops_) * workers) << "its lane was not closed";
  }

 private:
  struct Scripted {
    Script script;
    size_t next = 0;
  };
  struct BrokenBatch {
    std::set<RunId> runs;
    bool counted = false;
  };
  class AtWork {
   public:
    AtWork(ScriptedExecutor& executor, PipelineName pipeline, const PipelineRules& rules)
        : executor_(executor), pipeline_(std::move(pipeline)), rules_(rules) {}
    ~AtWork() {
      const std::lock_guard lock(executor_.mutex_);
      --executor_.at_work_[pipeline_];
      for (const DatabaseName& database : rules_.databases) --executor_.at_work_in_[database];
    }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;

   private:
    ScriptedExecutor& executor_;
    PipelineName pipeline_;
    const PipelineRules& rules_;
  };

  void enter(const PipelineName& pipeline, const PipelineRules& rules) {
    const std::lock_guard lock(mutex_);
    EXPECT_LE(++at_work_[pipeline], rules.concurrency) << pipeline.value();
    for (const DatabaseName& database : rules.databases) {
      const auto limit = rules_.max_runs.find(database);
      const int now = ++at_work_in_[database];
      if (limit != rules_.max_runs.end()) {
        EXPECT_LE(now, limit->second) << database.value();
      }
    }
  }

  /// Its runs come again one by one, in this thread.
  void remember_broken(std::span<const Run> runs) {
    const std::lock_guard lock(mutex_);
    BrokenBatch& broken = broken_[std::this_thread::get_id()];
    broken = {};
    for (const Run& run : runs) broken.runs.insert(run.id);
  }

  /// One for each leased batch that found its database down.
  void count_outage(std::span<const Run> runs, const std::vector<pipeline::RunOutcome>& outcomes) {
    if (std::ranges::none_of(outcomes,
                             [](const auto& outcome) { return outcome.down.has_value(); })) {
      return;
    }
    const std::lock_guard lock(mutex_);
    BrokenBatch& broken = broken_[std::this_thread::get_id()];
    const bool is_part = broken.runs.contains(runs.front().id);
    if (!is_part) broken = {};
    if (!is_part || !std::exchange(broken.counted, true)) ++down_batches_;
  }

  pipeline::RunOutcome one(const Run& run, const PipelineRules& rules,
                           pipeline::Progress& progress) {
    const std::lock_guard lock(mutex_);
    if (progress.cancel) return FakeExecutor::failure(run, ErrorCode::cancelled);
    for (const DatabaseName& database : rules.databases) {
      if (!down_.contains(database)) continue;
      auto outcome = FakeExecutor::failure(run, ErrorCode::busy);
      outcome.down = database;
      return outcome;
    }
    Scripted& scripted = scripts_.at(run.id);
    const Try now = scripted.script[std::min(scripted.next, scripted.script.size() - 1)];
    if (now == Try::exception) {
      auto outcome = FakeExecutor::failure(run, ErrorCode::internal);
      outcome.receipt.error->message = "thrown";
      return outcome;
    }
    ++scripted.next;
    if (now == Try::transient) return FakeExecutor::failure(run, ErrorCode::io);
    if (now == Try::broken) return FakeExecutor::failure(run, ErrorCode::invalid_input);
    auto outcome = FakeExecutor::success(run);
    outcome.requeue = now == Try::changed;
    if (now == Try::success) ++ledger_[run.id];
    return outcome;
  }

  void undo(const std::vector<pipeline::RunOutcome>& outcomes) {
    const std::lock_guard lock(mutex_);
    for (const auto& outcome : outcomes) {
      if (outcome.down) continue;
      const RunId& run = outcome.receipt.run;
      const auto& error = outcome.receipt.error;
      if (error && (error->code == ErrorCode::cancelled || error->message == "thrown")) continue;
      --scripts_.at(run).next;
      if (outcome.receipt.status == RunState::succeeded && !outcome.requeue) --ledger_[run];
    }
  }

  const DispatchRules& rules_;
  std::mutex mutex_;
  std::map<RunId, Scripted> scripts_;
  std::set<DatabaseName> down_;
  std::map<RunId, int> ledger_;
  std::set<RunId> finished_;
  std::map<PipelineName, int> at_work_;
  std::map<DatabaseName, int> at_work_in_;
  int openings_ = 0;
  int stops_ = 0;
  int down_batches_ = 0;
  std::map<std::thread::id, BrokenBatch> broken_;
};

constexpr int workers = 3;

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed), rules_(make_rules()), executor_(rules_) {
    log_ = value(runlog::open_sqlite_run_log(folder_.path("runs.sqlite")));
    start();
  }

  void run() {
    for (int step = 0; step < 120; ++step) {
      switch (roll(8)) {
        case 0:
        case 1: submit(); break;
        case 2: executor_.set_down(databases_[roll(databases_.size())], true); break;
        case 3: executor_.set_down(databases_[roll(databases_.size())], false); break;
        case 4: restart(); break;
        case 5: clock_.advance(-seconds(roll(3600))); break;
        default: clock_.advance(milliseconds(roll(20'000))); break;
      }
      dispatcher_->wake();
      std::this_thread::yield();
    }
    settle();
    check();
  }

 private:
  size_t roll(size_t below) { return random_() % below; }

  DispatchRules make_rules() {
    DispatchRules rules;
    for (int i = 0; i < 6; ++i) {
      PipelineRules& pipeline = rules.pipelines[PipelineName("p" + std::to_string(i))];
      pipeline.concurrency = 1 + static_cast<int>(roll(2));
      pipeline.retry.times = static_cast<int>(roll(4));
      pipeline.databases = {databases_[roll(2)]};
      if (roll(3) == 0) pipeline.databases.push_back(databases_[2]);
    }
    rules.max_runs[databases_[0]] = 1 + static_cast<int>(roll(2));
    return rules;
  }

  void start() {
    dispatcher_ = make_dispatcher(*log_, executor_, clock_,
                                  {.workers = workers,
                                   .batch = 1 + roll(8),
                                   .rules = rules_,
                                   .observer = &executor_,
                                   .seed = random_()});
    dispatcher_->start();
  }

  void restart() {
    dispatcher_->drain(milliseconds(0));
    dispatcher_.reset();
    executor_.stopped();
    value(log_->recover());
    start();
  }

  Script make_script() {
    Script script;
    for (size_t i = roll(6); i > 0; --i) {
      script.push_back(roll(3) == 0 ? Try::changed : Try::transient);
    }
    const size_t end = roll(10);
    script.push_back(end < 7   ? Try::success
                     : end < 8 ? Try::broken
                     : end < 9 ? Try::exception
                               : Try::transient);
    return script;
  }

  void submit() {
    std::vector<Run> runs;
    for (size_t i = 1 + roll(12); i > 0; --i) {
      const bool reads = roll(5) > 0;
      Run run = make_run("p" + std::to_string(roll(6)),
                         reads ? "object-" + std::to_string(submitted_.size()) : "");
      run.created = clock_.now();
      // Of its own: a later run of the same fire would supersede it when it is parked.
      run.scheduled_for = Timestamp(seconds(submitted_.size()));
      run.priority = static_cast<int>(roll(3));
      Script script = make_script();
      submitted_[run.id] = end_of(script, rules_.of(run.pipeline).retry);
      executor_.script(run.id, std::move(script));
      runs.push_back(std::move(run));
    }
    value(dispatcher_->submit(runs));
  }

  /// Everything is up, and time goes by until all is done.
  void settle() {
    for (const DatabaseName& database : databases_) executor_.set_down(database, false);
    const auto deadline = std::chrono::steady_clock::now() + seconds(60);
    // Only what has ended stays what it is: a run may go from queued to running and back meanwhile.
    const auto left = [&] {
      return submitted_.size() - value(log_->count(RunState::succeeded)) -
             value(log_->count(RunState::parked));
    };
    while (left() > 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << left() << " runs never ended";
      clock_.advance(seconds(10));
      dispatcher_->wake();
      std::this_thread::yield();
    }
    dispatcher_->wait_idle();
    dispatcher_->drain(seconds(10));
  }

  void check() {
    for (const auto& [id, expected] : submitted_) {
      const auto run = value(log_->find(id));
      ASSERT_TRUE(run);
      EXPECT_EQ(run->state, expected)
          << id.value() << " is " << to_string(run->state) << ", not " << to_string(expected);
      EXPECT_EQ(executor_.committed(id), expected == RunState::succeeded ? 1 : 0) << id.value();
    }
    executor_.check_outages(workers);
  }

  const std::vector<DatabaseName> databases_ = {DatabaseName("a"), DatabaseName("b"),
                                                DatabaseName("c")};
  std::mt19937_64 random_;
  const DispatchRules rules_;
  io::TemporaryFolder folder_;
  SimulatedClock clock_;
  std::unique_ptr<runlog::RunLog> log_;
  ScriptedExecutor executor_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::map<RunId, RunState> submitted_;
};

TEST(DispatcherProperty, every_run_ends_as_it_must) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation(seed).run();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace weir::scheduler::testing
