#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "runlog/run_log_for_test.h"
#include "runlog/run_log_sql.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST_F(RunLogTest, leases_higher_priority_first_then_oldest) {
  const auto with_priority = [](weir::Run run, int priority) {
    run.priority = priority;
    return run;
  };
  add(make_run("p", "second", 2));
  add(make_run("p", "third", 3));
  add(make_run("p", "first", 1));
  add(with_priority(make_run("p", "urgent", 9), 5));
  add(with_priority(make_run("p", "whenever", 0), -1));
  EXPECT_THAT(lease_keys(2), ElementsAre("urgent", "first"));
  EXPECT_THAT(lease_keys(9), ElementsAre("second", "third", "whenever"));
  EXPECT_THAT(lease_keys(9), IsEmpty());
}

TEST_F(RunLogTest, is_fair_between_pipelines) {
  for (int i = 0; i < 6; ++i) add(make_run("busy", "b" + std::to_string(i), i));
  add(make_run("quiet", "q0", 50));
  add(make_run("quiet", "q1", 51));
  std::vector<std::string> served;
  for (int i = 0; i < 5; ++i) {
    const auto runs = value(log_->lease(2, at(100)));
    served.push_back(runs.empty() ? "" : runs[0].pipeline.value());
    for (const weir::Run& run : runs) EXPECT_EQ(run.pipeline.value(), served.back());
  }
  EXPECT_THAT(served, ElementsAre("busy", "quiet", "busy", "busy", ""));
}

TEST_F(RunLogTest, priority_goes_before_fairness) {
  add(make_run("low", "a", 1));
  add(make_run("low", "b", 2));
  value(log_->lease(1, at(9)));  // "low" was served last
  weir::Run high = make_run("high", "c", 3);
  add(high);
  weir::Run urgent = make_run("low", "d", 4);
  urgent.priority = 1;
  add(urgent);
  EXPECT_THAT(lease_keys(1), ElementsAre("d"));
  EXPECT_THAT(lease_keys(1), ElementsAre("c"));
}

TEST_F(RunLogTest, folds_a_duplicate_of_a_queued_run) {
  const RunId first = add(make_run("p", "a"));
  EXPECT_EQ(add(make_run("p", "a")), first);
  EXPECT_NE(add(make_run("p", "b")), first);
  EXPECT_NE(add(make_run("q", "a")), first);
  EXPECT_EQ(value(log_->count(RunState::queued)), 3u);
}

TEST_F(RunLogTest, folds_within_one_call) {
  const std::vector<weir::Run> runs = {make_run("p", "a"), make_run("p", "a"), make_run("p", "b")};
  EXPECT_THAT(value(log_->enqueue(runs)), ElementsAre(runs[0].id, runs[0].id, runs[2].id));
}

TEST_F(RunLogTest, a_folded_run_takes_the_higher_priority) {
  add(make_run("p", "old", 1));
  add(make_run("p", "a", 2));
  weir::Run urgent = make_run("p", "a", 3);
  urgent.priority = 1;
  add(urgent);
  weir::Run lazy = make_run("p", "a", 3);
  lazy.priority = -1;
  add(lazy);
  EXPECT_THAT(lease_keys(9), ElementsAre("a", "old"));
}

TEST_F(RunLogTest, does_not_fold_when_force_differs_nor_into_a_running_one_nor_without_object) {
  const RunId plain = add(make_run("p", "a"));
  weir::Run forced = make_run("p", "a");
  forced.force = true;
  EXPECT_EQ(add(forced), forced.id);
  weir::Run forced_again = make_run("p", "a");
  forced_again.force = true;
  EXPECT_EQ(add(forced_again), forced.id);
  EXPECT_THAT(lease_keys(1), ElementsAre("a"));
  EXPECT_EQ(value(log_->find(plain))->state, RunState::running);
  EXPECT_NE(add(make_run("p", "a")), plain);
  EXPECT_NE(add(make_run("p", "")), add(make_run("p", "")));
}

TEST_F(RunLogTest, a_replay_is_folded_into_nothing_and_nothing_into_it) {
  const auto make_replay = [] {
    weir::Run replay = make_run("p", "a");
    replay.trigger = replay_trigger;
    return replay;
  };
  const weir::Run first = make_replay();
  EXPECT_EQ(add(first), first.id);
  const RunId plain = add(make_run("p", "a"));
  EXPECT_NE(plain, first.id);
  EXPECT_EQ(add(make_run("p", "a")), plain);
  const weir::Run second = make_replay();
  EXPECT_EQ(add(second), second.id);
  EXPECT_THAT(lease_keys(9), ElementsAre("a")) << "one at a time of one object";
}

TEST_F(RunLogTest, never_leases_an_object_that_its_pipeline_is_running) {
  const RunId first = add(make_run("p", "a", 1));
  weir::Run forced = make_run("p", "a", 2);
  forced.force = true;
  add(forced);
  add(make_run("p", "b", 3));
  add(make_run("q", "a", 4));
  EXPECT_THAT(lease_keys(9), ElementsAre("a", "b"));  // not both of a's
  EXPECT_THAT(lease_keys(9), ElementsAre("a"));       // q may run it meanwhile
  EXPECT_THAT(lease_keys(9), IsEmpty());
  const FinishedRun finished{first, RunState::succeeded, "", "", {}};
  expect_ok(log_->finish(std::span(&finished, 1), at(9)));
  const auto runs = value(log_->lease(9, at(9)));
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].id, forced.id);
}

TEST_F(RunLogTest, runs_without_object_go_one_at_a_time_in_order) {
  const RunId first = add(make_run("daily", "", 1));
  const RunId second = add(make_run("daily", "", 2));
  auto runs = value(log_->lease(9, at(9)));
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].id, first);
  EXPECT_THAT(value(log_->lease(9, at(9))), IsEmpty());
  const FinishedRun finished{first, RunState::succeeded, "", "", {}};
  expect_ok(log_->finish(std::span(&finished, 1), at(9)));
  runs = value(log_->lease(9, at(9)));
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].id, second);
}

TEST_F(RunLogTest, a_requeued_run_is_leased_again_and_counts_its_tries) {
  const RunId id = add(make_run("p", "a"));
  value(log_->lease(1, at(5)));
  expect_ok(log_->requeue(std::span(&id, 1)));
  EXPECT_EQ(value(log_->count(RunState::queued)), 1u);
  expect_ok(log_->requeue(std::span(&id, 1)));  // a second time changes nothing
  EXPECT_EQ(value(log_->count(RunState::queued)), 1u);
  const auto runs = value(log_->lease(1, at(6)));
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].id, id);
  EXPECT_EQ(runs[0].tries, 2);
  EXPECT_EQ(runs[0].state, RunState::running);
  EXPECT_EQ(runs[0].started, at(6));
}

TEST_F(RunLogTest, concurrent_workers_share_the_queue_without_doubles) {
  constexpr int producers = 2, workers = 3, runs_each = 400;
  std::atomic<int> finished{0};
  std::mutex mutex;
  std::multiset<std::string> done;
  std::vector<std::thread> threads;
  for (int producer = 0; producer < producers; ++producer) {
    threads.emplace_back([&, producer] {
      for (int i = 0; i < runs_each; ++i) {
        add(make_run("p" + std::to_string(i % 3),
                     std::to_string(producer) + "-" + std::to_string(i)));
      }
    });
  }
  for (int worker = 0; worker < workers; ++worker) {
    threads.emplace_back([&] {
      while (finished < producers * runs_each) {
        const auto runs = value(log_->lease(7, at(9)));
        std::vector<FinishedRun> results;
        for (const weir::Run& run : runs) {
          results.push_back({run.id, RunState::succeeded, "{}", "", {}});
          const std::lock_guard lock(mutex);
          done.insert(run.object->key.value());
        }
        if (runs.empty()) std::this_thread::yield();
        expect_ok(log_->finish(results, at(10)));
        value(log_->list({.limit = 3}));
        finished += static_cast<int>(runs.size());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done.size(), size_t{producers * runs_each});
  EXPECT_EQ(std::set(done.begin(), done.end()).size(), done.size());
  EXPECT_EQ(value(log_->count(RunState::succeeded)), done.size());
  EXPECT_EQ(value(log_->count(RunState::queued)), 0u);
}

TEST_F(RunLogTest, a_hundred_thousand_queued_runs_are_all_leased_once_in_order) {
  constexpr size_t total = 100'000, batch = 1000;
  std::vector<weir::Run> runs;
  for (size_t i = 0; i < total; ++i) {
    runs.push_back(make_run("p", "key-" + std::to_string(i), static_cast<int64_t>(i)));
    if (runs.size() == batch) {
      value(log_->enqueue(runs));
      runs.clear();
    }
  }
  reopen();
  ASSERT_EQ(value(log_->count(RunState::queued)), total);
  size_t leased = 0;
  bool ordered = true;
  while (leased < total) {
    const auto got = value(log_->lease(batch, at(9)));
    ASSERT_FALSE(got.empty());
    std::vector<FinishedRun> finished;
    for (const weir::Run& run : got) {
      ordered = ordered && run.object->key.value() == "key-" + std::to_string(leased++);
      finished.push_back({run.id, RunState::succeeded, "{}", "", {}});
    }
    expect_ok(log_->finish(finished, at(10)));
  }
  EXPECT_TRUE(ordered);
  EXPECT_EQ(value(log_->count(RunState::queued)), 0u);
  EXPECT_EQ(value(log_->count(RunState::succeeded)), total);
}

}  // namespace
}  // namespace weir::runlog::testing
