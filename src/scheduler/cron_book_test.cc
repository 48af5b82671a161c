#include "scheduler/cron_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/cron_store_for_test.h"

namespace weir::scheduler {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

/// 2026-11-20T00:00:00Z
const Timestamp midnight = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);

class CronBookTest : public testing::Test {
 protected:
  void make(const std::vector<CronTrigger>& triggers) { project_ = cron_project(triggers); }

  /// A new process at this time.
  CronBook& start(Timestamp now) {
    book_.emplace(project_, store_);
    const auto opened = book_->open(now);
    EXPECT_TRUE(opened) << opened.error().to_string();
    return *book_;
  }
  CronBook::Look look(Timestamp now) {
    const auto done = book_->look(now);
    EXPECT_TRUE(done) << done.error().to_string();
    return done.value_or(CronBook::Look{});
  }
  /// What was fired since the last call, minutes after midnight.
  std::vector<double> fired() {
    std::vector<double> out;
    for (; seen_ < store_.runs.size(); ++seen_) {
      const auto since = store_.runs[seen_].scheduled_for - midnight;
      out.push_back(static_cast<double>(std::chrono::duration_cast<seconds>(since).count()) / 60);
    }
    return out;
  }

  Project project_;
  MemoryStore store_;
  std::optional<CronBook> book_;
  size_t seen_ = 0;
};

TEST_F(CronBookTest, fires_what_is_due_and_says_when_to_come_back) {
  make({{"*/10 * * * *", ""}, {"30 0 * * *", "UTC"}});
  start(midnight + minutes(5));
  CronBook::Look done = look(midnight + minutes(5));
  EXPECT_EQ(done.fired, 0u);
  EXPECT_EQ(done.next, midnight + minutes(10));
  EXPECT_EQ(look(midnight + minutes(10)).next, midnight + minutes(20));
  EXPECT_THAT(fired(), ElementsAre(10));
  look(midnight + minutes(10));
  EXPECT_THAT(fired(), IsEmpty());
  look(midnight + minutes(20) + seconds(59));
  EXPECT_EQ(look(midnight + minutes(30) + seconds(1)).fired, 2u);
  EXPECT_THAT(fired(), ElementsAre(20, 30, 30));
  const weir::Run& run = store_.runs.back();
  EXPECT_EQ(run.trigger, "cron");
  EXPECT_EQ(run.pipeline, PipelineName("p1"));
  EXPECT_FALSE(run.object);
  EXPECT_EQ(run.created, midnight + minutes(30) + seconds(1));
  EXPECT_EQ(run.state, RunState::queued);
}

TEST_F(CronBookTest, a_new_schedule_starts_from_now_also_across_a_restart) {
  make({{"*/10 * * * *", ""}});
  start(midnight + minutes(5));
  EXPECT_THAT(fired(), IsEmpty());
  // Killed before its first fire: the next process knows that it was there.
  start(midnight + minutes(10) + seconds(30));
  look(midnight + minutes(10) + seconds(30));
  EXPECT_THAT(fired(), ElementsAre(10));
}

TEST_F(CronBookTest, missed_fires_are_the_triggers_choice) {
  make({{"*/10 * * * *", "", MissedFires::skip},
        {"*/10 * * * *", "", MissedFires::last},
        {"*/10 * * * *", "", MissedFires::all}});
  start(midnight + minutes(5));
  const Timestamp back = midnight + minutes(40) + seconds(30);  // 00:40 is on time
  start(back);
  look(back);
  EXPECT_EQ(store_.fired[(runlog::ScheduleKey{PipelineName("p0"), "*/10 * * * * UTC"})],
            std::vector{midnight + minutes(40)});
  EXPECT_EQ(store_.fired[(runlog::ScheduleKey{PipelineName("p1"), "*/10 * * * * UTC"})],
            (std::vector{midnight + minutes(30), midnight + minutes(40)}));
  EXPECT_EQ(store_.fired[(runlog::ScheduleKey{PipelineName("p2"), "*/10 * * * * UTC"})],
            (std::vector{midnight + minutes(10), midnight + minutes(20), midnight + minutes(30),
                         midnight + minutes(40)}));
  start(back + seconds(1));
  EXPECT_EQ(look(back + seconds(1)).fired, 0u);
}

TEST_F(CronBookTest, sixty_seconds_late_is_on_time) {
  make({{"*/10 * * * *", "", MissedFires::skip}});
  start(midnight + minutes(5));
  look(midnight + minutes(11));
  EXPECT_THAT(fired(), ElementsAre(10));
  look(midnight + minutes(21) + std::chrono::microseconds(1));
  EXPECT_THAT(fired(), IsEmpty());
  look(midnight + minutes(30));
  EXPECT_THAT(fired(), ElementsAre(30));
}

TEST_F(CronBookTest, a_schedule_that_is_gone_is_forgotten_and_begins_anew) {
  make({{"*/10 * * * *", "", MissedFires::all}});
  start(midnight);
  make({{"*/20 * * * *", "", MissedFires::all}});
  start(midnight + minutes(15));
  EXPECT_EQ(store_.marks.size(), 1u);
  make({{"*/10 * * * *", "", MissedFires::all}});
  start(midnight + minutes(45));
  look(midnight + minutes(50));
  EXPECT_THAT(fired(), ElementsAre(50));
}

TEST_F(CronBookTest, years_of_backlog_do_not_hold_up_what_is_on_time) {
  make({{"* * * * *", "", MissedFires::all}, {"0 * * * *", "", MissedFires::skip}});
  start(midnight);
  const Timestamp later = midnight + hours(24 * 30);
  start(later);
  CronBook::Look done = look(later);
  EXPECT_EQ(store_.fired[(runlog::ScheduleKey{PipelineName("p1"), "0 * * * * UTC"})],
            std::vector{later});
  EXPECT_EQ(done.next, later);  // at once: there is more
  EXPECT_LT(done.fired, 2000u);
  size_t looks = 1;
  while (done.next == later && looks < 1000) done = look(later), ++looks;
  const auto& all = store_.fired[(runlog::ScheduleKey{PipelineName("p0"), "* * * * * UTC"})];
  ASSERT_EQ(all.size(), 30u * 24 * 60);
  EXPECT_TRUE(std::ranges::is_sorted(all));
  EXPECT_EQ(all.back(), later);
  EXPECT_EQ(done.next, later + minutes(1));
}

TEST_F(CronBookTest, a_clock_set_back_fires_nothing_twice) {
  make({{"*/10 * * * *", ""}});
  start(midnight);
  look(midnight + minutes(10));
  look(midnight + minutes(20));
  const CronBook::Look done = look(midnight - hours(2));
  EXPECT_EQ(done.fired, 0u);
  look(midnight + minutes(20));
  start(midnight - hours(1));
  look(midnight - hours(1));
  look(midnight + minutes(30));
  EXPECT_THAT(fired(), ElementsAre(10, 20, 30));
}

TEST_F(CronBookTest, a_mark_far_ahead_was_made_by_a_clock_that_was_wrong) {
  make({{"*/10 * * * *", ""}});
  start(midnight);
  look(midnight + hours(24 * 365));
  store_.runs.clear();
  EXPECT_EQ(look(midnight + minutes(1)).next, midnight + minutes(10));
  look(midnight + minutes(10));
  EXPECT_THAT(fired(), ElementsAre(10));
  // The same when it is noticed by the next process.
  store_.marks.begin()->second = midnight + hours(24 * 365);
  start(midnight + minutes(15));
  look(midnight + minutes(20));
  EXPECT_THAT(fired(), ElementsAre(20));
}

TEST_F(CronBookTest, what_could_not_be_written_is_written_later) {
  make({{"*/10 * * * *", "", MissedFires::skip}});
  start(midnight);
  store_.next_failure = MemoryStore::Failure::before;
  EXPECT_FALSE(book_->look(midnight + minutes(10)));
  EXPECT_THAT(fired(), IsEmpty());
  // An hour later: it was noticed in time, so it is no missed one.
  look(midnight + minutes(70));
  EXPECT_THAT(fired(), ElementsAre(10, 70));
}

TEST_F(CronBookTest, what_was_written_in_spite_of_an_error_is_not_written_again) {
  make({{"*/10 * * * *", ""}, {"*/10 * * * *", "", MissedFires::all}});
  start(midnight);
  store_.next_failure = MemoryStore::Failure::after;
  EXPECT_FALSE(book_->look(midnight + minutes(10)));
  EXPECT_EQ(look(midnight + minutes(11)).fired, 2u);
  EXPECT_THAT(fired(), ElementsAre(10, 10));
}

TEST_F(CronBookTest, an_error_says_which_schedule) {
  make({{"*/10 * * * *", "Europe/Atlantis", MissedFires::last, {"weir.yaml", 7, 12}}});
  CronBook book(project_, store_);
  const auto opened = book.open(midnight);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().to_string().substr(0, 15), "weir.yaml:7:12:");
}

TEST_F(CronBookTest, nothing_scheduled_is_never) {
  make({{"cron(0 0 1 1 ? 2020)", ""}});
  start(midnight);
  EXPECT_EQ(look(midnight).next, std::nullopt);
  make({});
  start(midnight);
  EXPECT_EQ(look(midnight).next, std::nullopt);
  EXPECT_THAT(store_.marks, IsEmpty());
}

}  // namespace
}  // namespace weir::scheduler
