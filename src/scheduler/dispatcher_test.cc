#include "scheduler/dispatcher.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/log.h"
#include "io/atomic_file.h"
#include "scheduler/fake_executor_for_test.h"
#include "text/receipt_json.h"

namespace weir::scheduler::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() { log_ = value(runlog::open_sqlite_run_log(folder_.path("runs.sqlite"))); }

  void start(DispatcherOptions options = {}) {
    dispatcher_ = make_dispatcher(*log_, executor_, clock_, options);
    dispatcher_->start();
  }
  RunId submit(const weir::Run& run) {
    const auto ids = value(dispatcher_->submit(std::span(&run, 1)));
    return ids.empty() ? RunId() : ids[0];
  }
  weir::Run wait(const RunId& id) { return value(dispatcher_->wait(id, nullptr)); }
  RunState state_of(const RunId& id) { return value(log_->find(id))->state; }

  io::TemporaryFolder folder_;
  SystemClock clock_;
  std::unique_ptr<runlog::RunLog> log_;
  FakeExecutor executor_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

TEST_F(DispatcherTest, executes_a_run_and_keeps_its_receipt) {
  start();
  const weir::Run run = wait(submit(make_run("p", "a")));
  EXPECT_EQ(run.state, RunState::succeeded);
  EXPECT_EQ(run.tries, 1);
  EXPECT_TRUE(run.started && run.finished);
  const Receipt receipt = value(text::receipt_from_json(value(text::Json::parse(run.receipt))));
  EXPECT_EQ(receipt.run, run.id);
  EXPECT_EQ(receipt.status, RunState::succeeded);
  EXPECT_THAT(value(log_->log_lines(run.id)), IsEmpty());
}

TEST_F(DispatcherTest, executes_what_was_queued_before_it_started) {
  const std::vector<weir::Run> runs = {make_run("p", "a"), make_run("q", "b")};
  value(log_->enqueue(runs));
  start();
  dispatcher_->wait_idle();
  EXPECT_EQ(value(log_->count(RunState::succeeded)), 2u);
}

/// Rules under which two batches of `p` and of `q` may be at work at once.
DispatchRules two_at_once() {
  DispatchRules rules;
  rules.pipelines[PipelineName("p")].concurrency = 2;
  rules.pipelines[PipelineName("q")].concurrency = 2;
  return rules;
}

TEST_F(DispatcherTest, gives_a_worker_runs_of_one_pipeline_and_leaves_work_for_the_others) {
  std::vector<weir::Run> runs;
  for (int i = 0; i < 10; ++i) runs.push_back(make_run(i % 2 ? "p" : "q", std::to_string(i)));
  value(log_->enqueue(runs));
  executor_.hold();
  start({.workers = 2, .batch = 32, .rules = two_at_once()});
  executor_.wait_for_batches(2);
  for (const auto& batch : executor_.batches()) EXPECT_LE(batch.size(), 5u);  // ⌈10 / 2⌉
  executor_.release();
  dispatcher_->wait_idle();
  for (const auto& batch : executor_.batches()) {
    for (const weir::Run& run : batch) EXPECT_EQ(run.pipeline, batch.front().pipeline);
  }
  EXPECT_THAT(executor_.executed(), SizeIs(10));
}

TEST_F(DispatcherTest, gives_a_pipeline_to_one_worker_at_a_time) {
  std::vector<weir::Run> runs;
  for (int i = 10; i < 30; ++i) runs.push_back(make_run("ordered", std::to_string(i)));
  runs.push_back(make_run("free", "x"));
  value(log_->enqueue(runs));
  std::atomic<int> at_work = 0;
  std::atomic<bool> met = false;
  executor_.outcome = [&](const weir::Run& run, pipeline::Progress&) {
    if (run.pipeline.value() == "free") return FakeExecutor::success(run);
    if (++at_work > 1) met = true;
    std::this_thread::yield();
    --at_work;
    return FakeExecutor::success(run);
  };
  executor_.hold();
  start({.workers = 3, .batch = 4});
  executor_.wait_for_batches(2);
  EXPECT_NE(executor_.batches()[0].front().pipeline, executor_.batches()[1].front().pipeline);
  executor_.release();
  dispatcher_->wait_idle();
  EXPECT_FALSE(met);
  std::vector<std::string> order;
  for (const auto& batch : executor_.batches()) {
    for (const weir::Run& run : batch) {
      if (run.pipeline.value() == "ordered") order.push_back(run.object->key.value());
    }
  }
  EXPECT_THAT(order, SizeIs(20));
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_F(DispatcherTest, leases_no_more_than_a_batch) {
  std::vector<weir::Run> runs;
  for (int i = 0; i < 100; ++i) runs.push_back(make_run("p", std::to_string(i)));
  value(log_->enqueue(runs));
  start({.workers = 1, .batch = 7});
  dispatcher_->wait_idle();
  EXPECT_THAT(executor_.executed(), SizeIs(100));
  for (const auto& batch : executor_.batches()) EXPECT_LE(batch.size(), 7u);
}

TEST_F(DispatcherTest, runs_an_object_again_when_it_came_again_while_it_was_run) {
  executor_.hold();
  start({.workers = 2, .rules = two_at_once()});
  const RunId first = submit(make_run("p", "a"));
  executor_.wait_for_batches(1);
  const RunId second = submit(make_run("p", "a"));
  EXPECT_NE(first, second);
  EXPECT_EQ(submit(make_run("p", "a")), second);  // folded
  executor_.release();
  EXPECT_EQ(wait(second).state, RunState::succeeded);
  EXPECT_EQ(executor_.executed()["p:a"], 2);
}

TEST_F(DispatcherTest, a_final_failure_parks_the_run_at_once) {
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) {
    return FakeExecutor::failure(run, ErrorCode::invalid_input);
  };
  start();
  const weir::Run run = wait(submit(make_run("p", "a")));
  EXPECT_EQ(run.state, RunState::parked);
  const Receipt receipt = value(text::receipt_from_json(value(text::Json::parse(run.receipt))));
  EXPECT_EQ(receipt.status, RunState::failed);  // the verdict on the input
  EXPECT_EQ(run.error, "it broke");
  EXPECT_EQ(run.tries, 1);
  const auto lines = value(log_->log_lines(run.id));
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0].level, "error");
  EXPECT_EQ(lines[0].message, "it broke");
}

TEST_F(DispatcherTest, a_partial_load_leaves_a_line_in_its_log) {
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) {
    auto outcome = FakeExecutor::success(run);
    outcome.receipt.status = RunState::partial;
    outcome.receipt.rows.rejected = 3;
    return outcome;
  };
  start();
  const weir::Run run = wait(submit(make_run("p", "a")));
  EXPECT_EQ(run.state, RunState::partial);
  const auto lines = value(log_->log_lines(run.id));
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0].message, HasSubstr("3 rows"));
}

TEST_F(DispatcherTest, tries_again_after_a_transient_failure) {
  std::atomic<int> tries{0};
  executor_.outcome = [&](const weir::Run& run, pipeline::Progress&) {
    return ++tries == 1 ? FakeExecutor::failure(run, ErrorCode::unavailable)
                        : FakeExecutor::success(run);
  };
  start();
  const weir::Run run = wait(submit(make_run("p", "a")));
  EXPECT_EQ(run.state, RunState::succeeded);
  EXPECT_EQ(run.tries, 2);
  const auto lines = value(log_->log_lines(run.id));
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0].level, "warning");
  EXPECT_THAT(lines[0].message, HasSubstr("it broke; next try in"));
}

TEST_F(DispatcherTest, tries_again_when_the_input_changed_under_the_reader) {
  std::atomic<int> tries{0};
  executor_.outcome = [&](const weir::Run& run, pipeline::Progress&) {
    auto outcome = FakeExecutor::success(run);
    outcome.requeue = ++tries == 1;
    if (outcome.requeue) outcome.receipt.status = RunState::queued;
    return outcome;
  };
  start();
  EXPECT_EQ(wait(submit(make_run("p", "a"))).state, RunState::succeeded);
  EXPECT_EQ(tries, 2);
}

TEST_F(DispatcherTest, remembers_what_it_read_unless_the_watcher_does) {
  executor_.outcome = [&](const weir::Run& run, pipeline::Progress&) {
    auto outcome = FakeExecutor::success(run);
    outcome.seen = objects::ObjectStat{run.object->key, 7, 1, 2, 3};
    return outcome;
  };
  start();
  weir::Run watched = make_run("p", "watched");
  watched.trigger = "watch";
  wait(submit(make_run("p", "a")));
  wait(submit(watched));
  const auto known =
      value(log_->known_after(PipelineName("p"), BucketName("landing"), ObjectKey(), 9));
  ASSERT_THAT(known, SizeIs(1));
  EXPECT_EQ(known[0].object.key.value(), "a");
  EXPECT_EQ(known[0].size_bytes, 7u);
}

TEST_F(DispatcherTest, an_exception_fails_the_run_and_not_the_process) {
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) -> pipeline::RunOutcome {
    if (run.object->key.value() == "bad") throw std::runtime_error("out of cheese");
    return FakeExecutor::success(run);
  };
  start({.workers = 1});
  const weir::Run run = wait(submit(make_run("p", "bad")));
  EXPECT_EQ(run.state, RunState::parked);
  EXPECT_THAT(run.error, HasSubstr("out of cheese"));
  EXPECT_EQ(wait(submit(make_run("p", "good"))).state, RunState::succeeded);
}

TEST_F(DispatcherTest, relays_progress_to_who_waits) {
  std::atomic<bool> seen{false};
  executor_.outcome = [&](const weir::Run& run, pipeline::Progress& progress) {
    progress.bytes_read = 10;
    progress.bytes_total = 20;
    progress.rows_read = 3;
    seen.wait(false);
    return FakeExecutor::success(run);
  };
  start();
  const RunId id = submit(make_run("p", "a"));
  RunProgress last;
  const auto run = dispatcher_->wait(id, [&](const RunProgress& progress) {
    if (progress.bytes_read == 0) return;
    last = progress;
    seen = true;
    seen.notify_all();
  });
  ASSERT_TRUE(run);
  EXPECT_EQ(last.id, id);
  EXPECT_EQ(last.bytes_read, 10u);
  EXPECT_EQ(last.bytes_total, 20u);
  EXPECT_EQ(last.rows_read, 3u);
}

class TellTale final : public RunObserver {
 public:
  void started(const weir::Run& run) override { note("started " + run.object->key.value()); }
  void retried(const weir::Run&, const Error& error, milliseconds delay) override {
    note("retried " + std::string(name(error.code)) + (delay > milliseconds(0) ? " later" : ""));
  }
  void finished(const weir::Run& run, const Receipt& receipt, RunState state) override {
    EXPECT_EQ(run.id, receipt.run);
    note("finished " + std::string(to_string(state)));
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  void note(std::string text) {
    const std::lock_guard lock(mutex_);
    told_.push_back(std::move(text));
  }
  std::mutex mutex_;
  std::vector<std::string> told_;
};

TEST_F(DispatcherTest, tells_its_observer_of_every_try_and_of_the_end) {
  std::atomic<int> tries{0};
  executor_.outcome = [&](const weir::Run& run, pipeline::Progress&) {
    return ++tries == 1 ? FakeExecutor::failure(run, ErrorCode::io) : FakeExecutor::success(run);
  };
  TellTale observer;
  start({.observer = &observer});
  wait(submit(make_run("p", "a")));
  dispatcher_->drain(milliseconds(0));
  EXPECT_THAT(observer.told(),
              ElementsAre("started a", "retried io later", "started a", "finished succeeded"));
}

TEST_F(DispatcherTest, waiting_for_an_unknown_run_is_an_error) {
  start();
  EXPECT_EQ(dispatcher_->wait(RunId("nope"), nullptr).error().code, ErrorCode::not_found);
}

TEST_F(DispatcherTest, draining_lets_the_running_finish_and_the_queued_wait) {
  executor_.hold();
  start({.workers = 1, .batch = 1});
  const RunId running = submit(make_run("p", "a"));
  executor_.wait_for_batches(1);
  const RunId queued = submit(make_run("p", "b"));
  std::thread waiter([&] {
    // The worker may take it before it is told to drain; else nobody will, and that is said.
    const auto run = dispatcher_->wait(queued, nullptr);
    if (run) {
      EXPECT_EQ(run->state, RunState::succeeded);
    } else {
      EXPECT_EQ(run.error().code, ErrorCode::cancelled);
    }
  });
  std::thread drain([&] { dispatcher_->drain(std::chrono::hours(1)); });
  executor_.release();
  drain.join();
  waiter.join();
  EXPECT_EQ(state_of(running), RunState::succeeded);
  EXPECT_NE(state_of(queued), RunState::running);
  dispatcher_->wait_idle();  // does not wait for what nobody will do
}

TEST_F(DispatcherTest, draining_cancels_after_the_grace_and_queues_again) {
  executor_.hold();
  executor_.outcome = [](const weir::Run& run, pipeline::Progress& progress) {
    return progress.cancel ? FakeExecutor::failure(run, ErrorCode::cancelled)
                           : FakeExecutor::success(run);
  };
  start({.workers = 1});
  const RunId id = submit(make_run("p", "a"));
  executor_.wait_for_batches(1);
  std::atomic<bool> drained{false};
  std::thread drain([&] {
    dispatcher_->drain(milliseconds(1));
    drained = true;
  });
  while (!drained) executor_.wake();
  drain.join();
  EXPECT_EQ(state_of(id), RunState::queued);
  EXPECT_EQ(value(log_->count(RunState::running)), 0u);
}

TEST_F(DispatcherTest, draining_queues_again_what_waits_for_its_next_try) {
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) {
    return FakeExecutor::failure(run, ErrorCode::io);
  };
  start({.workers = 1, .batch = 1});
  const RunId id = submit(make_run("p", "a"));
  executor_.wait_for("p:a");
  dispatcher_->drain(milliseconds(0));
  EXPECT_EQ(state_of(id), RunState::queued);
}

TEST_F(DispatcherTest, survives_many_submitters_and_waiters) {
  start({.workers = 3, .batch = 5});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 100; ++i) {
        const auto key = std::to_string(thread) + "-" + std::to_string(i);
        EXPECT_EQ(wait(submit(make_run("p" + std::to_string(i % 3), key))).state,
                  RunState::succeeded);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  dispatcher_->wait_idle();
  EXPECT_EQ(value(log_->count(RunState::succeeded)), 400u);
  for (const auto& [key, times] : executor_.executed()) EXPECT_EQ(times, 1) << key;
}

TEST_F(DispatcherTest, log_lines_about_a_run_carry_its_id_and_pipeline) {
  const std::string file = folder_.path("weir.log");
  expect_ok(log::start(log::Settings{.format = log::Format::json, .file = file}));
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) {
    return FakeExecutor::failure(run, ErrorCode::invalid_input);
  };
  start();
  const RunId id = submit(make_run("p", "a"));
  wait(id);
  expect_ok(log::start(log::Settings{}));  // the file is closed
  const std::string text = value(io::read_small_file(file, 100'000));
  EXPECT_THAT(text, HasSubstr(R"("message":"parked run of p on )"));
  EXPECT_THAT(text, HasSubstr(R"(,"run":")" + id.value() + R"(","pipeline":"p"})"));
}

/// Gathers what was downloaded.
class DownloadWitness final : public RunObserver {
 public:
  void downloaded(const weir::Run& run, uint64_t bytes) override {
    const std::lock_guard lock(mutex);
    seen[run.pipeline.value()] += bytes;
  }
  std::mutex mutex;
  std::map<std::string, uint64_t> seen;
};

TEST_F(DispatcherTest, what_a_try_has_downloaded_is_told_whatever_becomes_of_it) {
  DownloadWitness witness;
  executor_.outcome = [](const weir::Run& run, pipeline::Progress&) {
    auto outcome = run.pipeline == PipelineName("broken")
                       ? FakeExecutor::failure(run, ErrorCode::invalid_input)
                       : FakeExecutor::success(run);
    if (run.pipeline != PipelineName("none")) outcome.downloaded_bytes = 4096;
    return outcome;
  };
  start({.observer = &witness});
  for (const char* name : {"fetch", "broken", "none"}) wait(submit(make_run(name, "a")));
  dispatcher_->drain(milliseconds(0));
  const std::map<std::string, uint64_t> expected{{"broken", 4096}, {"fetch", 4096}};
  EXPECT_EQ(witness.seen, expected);
}

TEST_F(DispatcherTest, shows_what_is_at_work_and_how_far_it_has_come) {
  std::atomic<bool> go_on = false;
  executor_.outcome = [&](const weir::Run& run, pipeline::Progress& progress) {
    progress.bytes_read = 5;
    progress.bytes_total = 10;
    progress.rows_read = 2;
    go_on.wait(false);
    return FakeExecutor::success(run);
  };
  start();
  EXPECT_THAT(dispatcher_->running(), IsEmpty());
  const RunId id = submit(make_run("p", "a"));
  std::promise<void> came_far;
  std::thread waiter([&] {
    bool told = false;
    value(dispatcher_->wait(id, [&](const RunProgress& progress) {
      if (progress.rows_read == 2 && !std::exchange(told, true)) came_far.set_value();
    }));
  });
  came_far.get_future().wait();
  const std::vector<RunningRun> running = dispatcher_->running();
  go_on = true;
  go_on.notify_all();
  waiter.join();
  ASSERT_THAT(running, SizeIs(1));
  EXPECT_EQ(running[0].pipeline, PipelineName("p"));
  EXPECT_EQ(running[0].progress.id, id);
  EXPECT_EQ(running[0].progress.bytes_read, 5u);
  EXPECT_EQ(running[0].progress.bytes_total, 10u);
  EXPECT_EQ(running[0].progress.rows_read, 2u);
  dispatcher_->wait_idle();
  EXPECT_THAT(dispatcher_->running(), IsEmpty());
}

}  // namespace
}  // namespace weir::scheduler::testing
