#include "scheduler/history_keeper.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "scheduler/fake_executor_for_test.h"

namespace weir::scheduler::testing {
namespace {

class HistoryKeeperTest : public ::testing::Test {
 protected:
  HistoryKeeperTest() { log_ = value(runlog::open_sqlite_run_log(path())); }

  std::string path() const { return folder_.path("run_log.sqlite"); }
  void finish_runs(size_t count) {
    std::vector<weir::Run> runs;
    for (size_t i = 0; i < count; ++i) {
      runs.push_back(make_run("p", "key-" + std::to_string(i)));
    }
    value(log_->enqueue(runs));
    std::vector<runlog::FinishedRun> finished;
    for (const weir::Run& run : runs) {
      finished.push_back({run.id,
                          RunState::succeeded,
                          std::string(500, 'r'),
                          "",
                          {{clock_.now(), "info", "done"}}});
    }
    expect_ok(log_->finish(finished, clock_.now()));
  }
  /// Starts a keeper and waits for so many looks; returns what they deleted.
  size_t keep(const runlog::HistoryLimits& limits, int looks) {
    size_t deleted = 0;
    const auto keeper = make_history_keeper(
        *log_, clock_, limits,
        {.pause = std::chrono::milliseconds(1), .step = 7, .on_look = [&](size_t runs) {
           const std::lock_guard lock(mutex_);
           deleted += runs;
           --looks;
           changed_.notify_all();
         }});
    keeper->start();
    {
      std::unique_lock lock(mutex_);
      EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return looks <= 0; }));
    }
    keeper->stop();
    return deleted;
  }

  io::TemporaryFolder folder_;
  const SystemClock clock_;
  std::unique_ptr<runlog::RunLog> log_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

constexpr runlog::HistoryLimits hour_of_ten{std::chrono::hours(1), 10};

TEST_F(HistoryKeeperTest, deletes_in_steps_until_the_limits_hold_and_leaves_work_alone) {
  finish_runs(50);
  const weir::Run queued = make_run("p", "queued");
  value(log_->enqueue(std::span(&queued, 1)));
  EXPECT_EQ(keep(hour_of_ten, 2), 40u);
  EXPECT_EQ(value(log_->count(RunState::succeeded)), 10u);
  EXPECT_EQ(value(log_->count(RunState::queued)), 1u);
  EXPECT_EQ(keep(hour_of_ten, 1), 0u);
}

TEST_F(HistoryKeeperTest, the_file_does_not_grow_when_as_much_goes_as_comes) {
  const auto size = [this] {
    log_.reset();  // closing brings the write-ahead log into the file
    const auto bytes = std::filesystem::file_size(path());
    log_ = value(runlog::open_sqlite_run_log(path()));
    return bytes;
  };
  const auto round = [this] {
    finish_runs(500);
    keep(hour_of_ten, 1);
  };
  for (int i = 0; i < 3; ++i) round();
  const auto after_three = size();
  for (int i = 0; i < 20; ++i) round();
  EXPECT_LE(size(), after_three + after_three / 20);
  EXPECT_EQ(value(log_->list({.limit = 100})).size(), 10u);
}

}  // namespace
}  // namespace weir::scheduler::testing
