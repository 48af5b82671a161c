#include <gmock/gmock.h>

#include "runlog/run_log_for_test.h"

namespace weir::runlog::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Fires of schedules and notices: what the run log promised to do.
class PromisesTest : public RunLogTest {
 protected:
  std::vector<std::string> marks() {
    std::vector<std::string> found;
    for (const ScheduleMark& mark : value(log_->schedule_marks())) {
      found.push_back(mark.key.pipeline.value() + " " + mark.key.schedule + " " +
                      std::to_string(mark.through.time_since_epoch() / std::chrono::seconds(1)));
    }
    return found;
  }
  static Fires fires(const char* pipeline, int64_t second, std::vector<weir::Run> runs) {
    return {{{PipelineName(pipeline), "@daily UTC"}, at(second)}, std::move(runs)};
  }
  /// Finishes a new run of `p`, which tells this.
  RunId tell(const std::string& key, const std::string& body, int64_t second) {
    const RunId id = add(make_run("p", key));
    value(log_->lease(1, at(second)));
    FinishedRun finished{id, RunState::succeeded, "{}", "", {}};
    finished.notices.push_back({.id = id.value() + ".2", .step = 2, .body = body});
    expect_ok(log_->finish(std::span(&finished, 1), at(second)));
    return id;
  }
  std::vector<std::string> bodies(int64_t second) {
    std::vector<std::string> found;
    for (const Notice& notice : value(log_->due_notices(at(second), 9)))
      found.push_back(notice.body);
    return found;
  }
};

TEST_F(PromisesTest, firing_enqueues_runs_and_moves_the_mark) {
  const std::vector<Fires> all = {
      fires("daily", 100, {make_run("daily", ""), make_run("daily", "")}), fires("weekly", 50, {})};
  expect_ok(log_->fire(all));
  reopen();
  EXPECT_EQ(value(log_->count(RunState::queued)), 2u);
  EXPECT_THAT(marks(), ElementsAre("daily @daily UTC 100", "weekly @daily UTC 50"));
  expect_ok(log_->fire(std::vector{fires("daily", 90, {})}));
  EXPECT_THAT(marks(), ElementsAre("daily @daily UTC 90", "weekly @daily UTC 50"));
  expect_ok(log_->forget_schedules(std::vector{all[0].mark.key}));
  EXPECT_THAT(marks(), ElementsAre("weekly @daily UTC 50"));
}

TEST_F(PromisesTest, firing_is_all_or_nothing) {
  const weir::Run run = make_run("daily", "");
  EXPECT_FALSE(log_->fire(std::vector{fires("daily", 1, {run, run})})) << "one id, twice";
  EXPECT_THAT(marks(), IsEmpty());
  EXPECT_EQ(value(log_->count(RunState::queued)), 0u);
}

TEST_F(PromisesTest, a_notice_waits_until_it_is_delivered) {
  const RunId run = tell("a", "hello", 10);
  reopen();
  const auto due = value(log_->due_notices(at(10), 9));
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].id, run.value() + ".2");
  EXPECT_EQ(due[0].run, run);
  EXPECT_EQ(due[0].pipeline.value(), "p");
  EXPECT_EQ(due[0].step, 2);
  EXPECT_EQ(due[0].body, "hello");
  EXPECT_EQ(due[0].tries, 0);
  EXPECT_EQ(due[0].created, at(10));
  EXPECT_EQ(value(log_->next_notice_due(at(12))), at(12));
  expect_ok(log_->notice_delivered(due[0].id));
  EXPECT_THAT(bodies(99), IsEmpty());
  EXPECT_EQ(value(log_->next_notice_due(at(12))), std::nullopt);
}

TEST_F(PromisesTest, notices_come_due_longest_first_and_can_be_put_off) {
  const RunId a = tell("a", "a", 10);
  tell("b", "b", 11);
  EXPECT_THAT(bodies(20), ElementsAre("a", "b"));
  EXPECT_THAT(value(log_->due_notices(at(20), 1)), SizeIs(1));
  const std::string id = a.value() + ".2";
  expect_ok(log_->notice_later(id, at(20), at(30), {at(20), "warning", "503"}));
  EXPECT_THAT(bodies(21), ElementsAre("b"));
  EXPECT_EQ(value(log_->log_lines(a)).at(0).message, "503");
  EXPECT_THAT(bodies(30), ElementsAre("b", "a"));
  EXPECT_EQ(value(log_->due_notices(at(30), 9)).at(1).tries, 1);
  // The clock is set back: what was put off later than now is due.
  EXPECT_THAT(bodies(15), ElementsAre("b", "a"));
  expect_ok(log_->notice_delivered(value(log_->due_notices(at(30), 9)).at(0).id));
  EXPECT_EQ(value(log_->next_notice_due(at(21))), at(30));
  EXPECT_EQ(value(log_->next_notice_due(at(15))), at(15));
}

TEST_F(PromisesTest, a_notice_given_up_leaves_a_line) {
  const RunId run = tell("a", "hello", 10);
  const std::string id = run.value() + ".2";
  expect_ok(log_->notice_given_up(id, {at(20), "error", "given up"}));
  EXPECT_THAT(bodies(99), IsEmpty());
  EXPECT_EQ(value(log_->log_lines(run)).at(0).message, "given up");
  EXPECT_EQ(log_->notice_given_up(id, {at(20), "error", "x"}).error().code, ErrorCode::not_found);
  EXPECT_EQ(log_->notice_later(id, at(1), at(2), {at(20), "error", "x"}).error().code,
            ErrorCode::not_found);
  EXPECT_THAT(value(log_->log_lines(run)), SizeIs(1));
}

}  // namespace
}  // namespace weir::runlog::testing
