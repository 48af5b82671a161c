// The thread around the book, on a real run log; clock and alarm are the test's.
#include "scheduler/cron.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "io/temporary_folder_for_test.h"
#include "scheduler/cron_store_for_test.h"

namespace weir::scheduler {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;

const Timestamp midnight = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);

/// The time, and who waits for it.
class ManualTime final : public Clock, public Alarm {
 public:
  explicit ManualTime(Timestamp now) : now_(now) {}

  Timestamp now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void wait_until(std::optional<Timestamp> time) override {
    std::unique_lock lock(mutex_);
    waiting_for_ = time;
    waits_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return rung_; });
    waits_ = rung_ = false;
  }
  void ring() override {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_all();
  }

  /// Sets the clock, as soon as somebody waits.
  void set(Timestamp now) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waits_ && !rung_; });
    now_ = now;
    rung_ = true;
    changed_.notify_all();
  }
  /// For another process.
  void restart(Timestamp now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
    rung_ = waits_ = false;
  }
  /// What is waited for, once somebody waits.
  std::optional<Timestamp> waiting_for() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waits_ && !rung_; });
    return waiting_for_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Timestamp now_;
  std::optional<Timestamp> waiting_for_;
  bool waits_ = false, rung_ = false;
};

/// Lets the test keep what the cron thread owns.
class Borrowed final : public Alarm {
 public:
  explicit Borrowed(Alarm& alarm) : alarm_(alarm) {}
  void wait_until(std::optional<Timestamp> time) override { alarm_.wait_until(time); }
  void ring() override { alarm_.ring(); }

 private:
  Alarm& alarm_;
};

class CronTest : public testing::Test {
 protected:
  CronTest() { log_ = *runlog::open_sqlite_run_log(folder_.path("runs.sqlite")); }

  std::unique_ptr<Cron> start() {
    auto cron =
        make_cron(project_, *log_, time_, std::make_unique<Borrowed>(time_), [this] { ++fired_; });
    const auto started = cron->start();
    EXPECT_TRUE(started) << started.error().to_string();
    return cron;
  }
  /// Minutes after midnight for which runs are queued, oldest first.
  std::vector<int64_t> queued() {
    std::vector<int64_t> out;
    const auto runs = log_->list({});
    EXPECT_TRUE(runs);
    for (const weir::Run& run : *runs) {
      EXPECT_EQ(run.trigger, "cron");
      EXPECT_EQ(run.state, RunState::queued);
      const auto since = run.scheduled_for - midnight;
      out.push_back(std::chrono::duration_cast<minutes>(since).count());
    }
    std::ranges::sort(out);
    return out;
  }

  io::TemporaryFolder folder_;
  std::unique_ptr<runlog::RunLog> log_;
  Project project_ = cron_project({{"*/10 * * * *", "", MissedFires::all}});
  ManualTime time_{midnight + minutes(5)};
  std::atomic<int> fired_ = 0;
};

TEST_F(CronTest, sleeps_until_the_next_fire_and_queues_it) {
  auto cron = start();
  EXPECT_EQ(time_.waiting_for(), midnight + minutes(10));
  EXPECT_EQ(fired_, 0);
  time_.set(midnight + minutes(10));
  EXPECT_EQ(time_.waiting_for(), midnight + minutes(20));
  EXPECT_EQ(fired_, 1);
  EXPECT_THAT(queued(), ElementsAre(10));
  time_.set(midnight + minutes(15));  // rung for no reason
  EXPECT_EQ(time_.waiting_for(), midnight + minutes(20));
  EXPECT_EQ(fired_, 1);
  cron->stop();
  EXPECT_THAT(queued(), ElementsAre(10));
}

TEST_F(CronTest, the_next_process_goes_on_where_the_last_one_was) {
  start()->stop();
  time_.restart(midnight + hours(1));
  auto cron = start();
  EXPECT_EQ(time_.waiting_for(), midnight + minutes(70));
  EXPECT_THAT(queued(), ElementsAre(10, 20, 30, 40, 50, 60));
  cron->stop();
}

TEST_F(CronTest, a_clock_that_was_set_is_looked_at) {
  auto cron = start();
  time_.set(midnight + hours(24 * 30));
  EXPECT_GT(time_.waiting_for(), midnight + hours(24 * 30));
  const size_t wrong = log_->count(RunState::queued).value();
  EXPECT_EQ(wrong, 30u * 24 * 6);
  time_.set(midnight + minutes(6));
  EXPECT_EQ(time_.waiting_for(), midnight + minutes(10));
  time_.set(midnight + minutes(10));
  EXPECT_EQ(time_.waiting_for(), midnight + minutes(20));
  EXPECT_EQ(log_->count(RunState::queued).value(), wrong + 1);
}

TEST_F(CronTest, without_schedules_nothing_runs) {
  start();
  EXPECT_EQ(log_->schedule_marks()->size(), 1u);
  project_ = Project();
  auto cron = start();
  cron->stop();
  EXPECT_EQ(log_->schedule_marks()->size(), 0u);
}

}  // namespace
}  // namespace weir::scheduler
