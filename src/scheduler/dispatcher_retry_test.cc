// What becomes of runs that fail, and of databases that are down, by a clock that stands still
// until it is moved.
#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "scheduler/dispatcher.h"
#include "scheduler/fake_executor_for_test.h"
#include "scheduler/simulated_clock_for_test.h"

namespace weir::scheduler::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const DatabaseName db("db"), other("other");

/// Remembers what it is told; waiting gives up, and fails the test, after half a minute.
class Witness final : public RunObserver {
 public:
  void retried(const weir::Run& run, const Error&, milliseconds delay) override {
    note("retried " + key(run));
    const std::lock_guard lock(mutex_);
    delays_.push_back(delay);
  }
  void finished(const weir::Run& run, const Receipt&, RunState state) override {
    note(key(run) + " " + std::string(to_string(state)));
  }
  void breaker(const DatabaseName& name, BreakerState state, const std::string& why) override {
    note(name.value() + (state == BreakerState::open ? " down: " + why : " up"));
  }

  void wait_for(const std::string& line, int times = 1) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, seconds(30),
                                  [&] { return std::ranges::count(lines_, line) >= times; }))
        << "waited for: " << line;
  }
  int count(const std::string& line) {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::ranges::count(lines_, line));
  }
  std::vector<milliseconds> delays() {
    const std::lock_guard lock(mutex_);
    return delays_;
  }

 private:
  static std::string key(const weir::Run& run) { return run.object->key.value(); }
  void note(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  std::vector<milliseconds> delays_;
};

class DispatcherRetryTest : public ::testing::Test {
 protected:
  DispatcherRetryTest() {
    log_ = value(runlog::open_sqlite_run_log(folder_.path("runs.sqlite")));
    rules_.pipelines[PipelineName("p")].databases = {db};
    rules_.pipelines[PipelineName("q")].databases = {other};
  }

  void start(int workers = 2) {
    dispatcher_ = make_dispatcher(*log_, executor_, clock_,
                                  {.workers = workers,
                                   .rules = rules_,
                                   .observer = &witness_,
                                   .notices_for = notices_for_,
                                   .seed = 7});
    dispatcher_->start();
  }
  void restart() {
    dispatcher_->drain(milliseconds(0));
    dispatcher_.reset();
    value(log_->recover());
    start();
  }
  RunId submit(const weir::Run& run) {
    const auto ids = value(dispatcher_->submit(std::span(&run, 1)));
    return ids.empty() ? RunId() : ids[0];
  }
  weir::Run find(const RunId& id) { return *value(log_->find(id)); }
  void advance(milliseconds by) {
    clock_.advance(by);
    dispatcher_->wake();
  }

  io::TemporaryFolder folder_;
  SimulatedClock clock_;
  DispatchRules rules_;
  NoticesFor notices_for_;
  std::unique_ptr<runlog::RunLog> log_;
  FakeExecutor executor_;
  Witness witness_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

TEST_F(DispatcherRetryTest, waits_longer_each_time_and_parks_what_never_works) {
  rules_.pipelines[PipelineName("p")].retry = {3, seconds(10), seconds(25)};
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) {
    return FakeExecutor::failure(run, ErrorCode::io);
  };
  start();
  const RunId id = submit(make_run("p", "a"));
  for (int failure = 1; failure <= 3; ++failure) {
    witness_.wait_for("retried a", failure);
    const weir::Run waiting = find(id);
    EXPECT_EQ(waiting.state, RunState::queued);
    EXPECT_EQ(waiting.failures, failure);
    ASSERT_TRUE(waiting.not_before);
    advance(std::chrono::ceil<milliseconds>(*waiting.not_before - clock_.now()));
  }
  witness_.wait_for("a parked");
  EXPECT_EQ(find(id).tries, 4);
  const auto delays = witness_.delays();
  ASSERT_THAT(delays, SizeIs(3));
  const milliseconds expected[] = {seconds(10), seconds(20), seconds(25)};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_GE(delays[i], expected[i] * 0.8) << i;
    EXPECT_LE(delays[i], expected[i] * 1.2) << i;
  }
  const auto lines = value(log_->log_lines(id));
  ASSERT_THAT(lines, SizeIs(5));
  EXPECT_THAT(lines[0].message, HasSubstr("it broke; next try in"));
  EXPECT_EQ(lines[4].message, "given up: all 3 retries failed");
}

TEST_F(DispatcherRetryTest, a_restart_forgets_no_failure_and_no_wait) {
  rules_.pipelines[PipelineName("p")].retry = {2, seconds(10), seconds(60)};
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) {
    return FakeExecutor::failure(run, ErrorCode::unavailable);
  };
  start();
  const RunId id = submit(make_run("p", "a"));
  witness_.wait_for("retried a");
  restart();
  submit(make_run("q", "b"));
  witness_.wait_for("retried b");
  EXPECT_EQ(witness_.count("retried a"), 1);  // still waits
  EXPECT_EQ(find(id).failures, 1);
  advance(seconds(13));
  witness_.wait_for("retried a", 2);
  restart();
  advance(seconds(25));
  witness_.wait_for("a parked");
}

TEST_F(DispatcherRetryTest, what_waits_keeps_nobody_from_working) {
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) {
    return run.object->key.value() == "poison" ? FakeExecutor::failure(run, ErrorCode::io)
                                               : FakeExecutor::success(run);
  };
  start(1);
  const RunId poison = submit(make_run("p", "poison"));
  witness_.wait_for("retried poison");
  for (int i = 0; i < 10; ++i) submit(make_run("p", std::to_string(i)));
  for (int i = 0; i < 10; ++i) witness_.wait_for(std::to_string(i) + " succeeded");
  EXPECT_EQ(find(poison).state, RunState::queued);
}

TEST_F(DispatcherRetryTest, a_database_that_is_down_waits_without_using_up_tries) {
  std::atomic<bool> down{true};
  executor_.outcome = [&](const weir::Run& run, pipeline::Progress&) {
    if (run.pipeline.value() != "p" || !down) return FakeExecutor::success(run);
    auto outcome = FakeExecutor::failure(run, ErrorCode::busy);
    outcome.down = db;
    return outcome;
  };
  executor_.reachable = [&](const DatabaseName& name) -> Result<void> {
    if (name == db && down) return fail(ErrorCode::busy, "it broke");
    return {};
  };
  start();
  const RunId id = submit(make_run("p", "a"));
  witness_.wait_for("db down: it broke");
  witness_.wait_for("retried a");
  for (int i = 0; i < 20; ++i) {  // the others' runs go on, its own are not taken
    submit(make_run("p", "b" + std::to_string(i)));
    submit(make_run("q", "c" + std::to_string(i)));
    witness_.wait_for("c" + std::to_string(i) + " succeeded");
    advance(seconds(40));  // each time a probe finds it down
  }
  EXPECT_EQ(find(id).failures, 0);
  EXPECT_EQ(find(id).tries, 1);
  EXPECT_EQ(witness_.count("db down: it broke"), 1);
  down = false;
  // A probe that is on its way still finds it down, and sets the next one's time.
  while (witness_.count("db up") == 0) {
    advance(seconds(40));
    std::this_thread::yield();
  }
  witness_.wait_for("a succeeded");
  for (int i = 0; i < 20; ++i) witness_.wait_for("b" + std::to_string(i) + " succeeded");
  EXPECT_EQ(witness_.count("db up"), 1);
}

TEST_F(DispatcherRetryTest, databases_that_cannot_be_opened_are_down_before_anybody_needs_them) {
  std::atomic<bool> down{true};
  executor_.reachable = [&](const DatabaseName& name) -> Result<void> {
    if (name == other && down) return fail(ErrorCode::io, "no such disk");
    return {};
  };
  start();
  dispatcher_->open_databases();
  witness_.wait_for("other down: no such disk");
  const RunId id = submit(make_run("q", "a"));
  submit(make_run("p", "b"));
  witness_.wait_for("b succeeded");
  EXPECT_EQ(find(id).state, RunState::queued);
  down = false;
  advance(seconds(1));
  witness_.wait_for("a succeeded");
}

TEST_F(DispatcherRetryTest, a_poison_that_throws_is_found_among_its_batch) {
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) -> pipeline::RunOutcome {
    if (run.object->key.value() == "poison") throw std::runtime_error("boom");
    return FakeExecutor::success(run);
  };
  std::vector<weir::Run> runs = {make_run("p", "a"), make_run("p", "poison"), make_run("p", "b")};
  value(log_->enqueue(runs));
  start();
  for (const char* line : {"a succeeded", "poison parked", "b succeeded"}) witness_.wait_for(line);
  EXPECT_THAT(find(runs[1].id).error, HasSubstr("boom"));
}

TEST_F(DispatcherRetryTest, no_memory_is_no_fault_of_the_runs) {
  std::atomic<int> tries{0};
  executor_.outcome = [&](const weir::Run& run, pipeline::Progress&) -> pipeline::RunOutcome {
    if (++tries == 1) throw std::bad_alloc();
    return FakeExecutor::success(run);
  };
  start();
  submit(make_run("p", "a"));
  witness_.wait_for("retried a");
  advance(seconds(1));
  witness_.wait_for("a succeeded");
}

TEST_F(DispatcherRetryTest, a_replay_that_fails_is_over) {
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) {
    return FakeExecutor::failure(run, ErrorCode::invalid_input);
  };
  start();
  weir::Run replay = make_run("p", "a");
  replay.trigger = replay_trigger;
  submit(replay);
  witness_.wait_for("a failed");
}

TEST_F(DispatcherRetryTest, whoever_is_free_takes_up_the_turn_that_another_ended) {
  std::atomic<bool> hold{true};
  executor_.outcome = [&](const weir::Run& run, pipeline::Progress&) {
    if (run.object->key.value() == "long") hold.wait(true);
    return FakeExecutor::success(run);
  };
  executor_.hold();
  start(2);
  submit(make_run("p", "first"));
  executor_.wait_for_batches(1);
  submit(make_run("p", "second"));  // its turn comes later; the other worker goes back to sleep
  weir::Run urgent = make_run("q", "long");
  urgent.priority = 5;
  executor_.release();
  submit(urgent);
  witness_.wait_for("second succeeded");  // although one worker is in the long one
  hold = false;
  hold.notify_all();
  witness_.wait_for("long succeeded");
}

TEST_F(DispatcherRetryTest, more_urgent_pipelines_go_first_and_equals_take_turns) {
  std::vector<weir::Run> runs;
  for (int i = 0; i < 40; ++i) {
    runs.push_back(make_run(i < 20 ? "many" : i < 30 ? "some" : "urgent", std::to_string(i)));
    runs.back().priority = i < 30 ? 0 : 1;
  }
  value(log_->enqueue(runs));
  dispatcher_ = make_dispatcher(*log_, executor_, clock_, {.workers = 1, .batch = 10});
  dispatcher_->start();
  dispatcher_->wait_idle();
  std::vector<std::string> order;
  for (const auto& batch : executor_.batches()) order.push_back(batch.front().pipeline.value());
  EXPECT_THAT(order, ElementsAre("urgent", "many", "some", "many"));
}

TEST_F(DispatcherRetryTest, notices_are_written_with_the_verdict) {
  notices_for_ = [](const weir::Run& run, const Receipt& receipt, RunState state) {
    EXPECT_EQ(receipt.status, RunState::failed);
    EXPECT_EQ(state, RunState::parked);
    return std::vector<runlog::Notice>{{run.id.value() + ".2", run.id, run.pipeline, 2, "{}"}};
  };
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) {
    return FakeExecutor::failure(run, ErrorCode::not_found);
  };
  start();
  const RunId id = submit(make_run("p", "a"));
  witness_.wait_for("a parked");
  const auto notices = value(log_->due_notices(clock_.now(), 9));
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].id, id.value() + ".2");
}

}  // namespace
}  // namespace weir::scheduler::testing
