#include <gmock/gmock.h>

#include "runlog/run_log_for_test.h"

namespace weir::runlog::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class RetryTest : public RunLogTest {
 protected:
  std::vector<std::string> lease_at(int64_t second) {
    std::vector<std::string> keys;
    for (const weir::Run& run : value(log_->lease(9, at(second)))) {
      keys.push_back(run.object ? run.object->key.value() : "");
    }
    return keys;
  }
  /// Adds a run of `p` and lets it end so.
  RunId end_as(const std::string& key, RunState state, const char* trigger = "watch",
               int64_t scheduled = 1) {
    weir::Run run = make_run("p", key);
    run.trigger = trigger;
    run.scheduled_for = at(scheduled);
    const RunId id = add(run);
    value(log_->lease(1, at(10)));
    const FinishedRun finished{id, state, "{}", state == RunState::parked ? "bad" : "", {}};
    expect_ok(log_->finish(std::span(&finished, 1), at(11)));
    return id;
  }
  RunState state_of(const RunId& id) { return value(log_->find(id))->state; }
  size_t retry(const RunId& id) { return value(log_->retry(std::span(&id, 1))); }
  size_t dismiss(const RunId& id) { return value(log_->dismiss(std::span(&id, 1))); }
};

TEST_F(RetryTest, a_run_held_back_is_not_leased_before_its_time) {
  const RunId id = add(make_run("p", "a"));
  lease_at(10);
  expect_ok(log_->retry_later(id, at(10), at(20), {at(10), "warning", "later", R"({"try":1})"}));
  EXPECT_EQ(value(log_->count(RunState::queued)), 1u);
  EXPECT_EQ(value(log_->count(RunState::running)), 0u);
  EXPECT_EQ(value(log_->next_due(at(10))), at(20));
  EXPECT_THAT(lease_at(19), IsEmpty());
  reopen();
  const auto run = value(log_->find(id));
  EXPECT_EQ(run->not_before, at(20));
  EXPECT_EQ(run->failures, 1);
  EXPECT_EQ(value(log_->next_due(at(25))), at(25));
  EXPECT_THAT(lease_at(20), ElementsAre("a"));
  EXPECT_EQ(value(log_->next_due(at(20))), std::nullopt);
  EXPECT_FALSE(value(log_->find(id))->not_before);
  EXPECT_EQ(value(log_->log_lines(id)).at(0).fields, R"({"try":1})");
}

TEST_F(RetryTest, only_a_running_run_can_be_held_back) {
  const RunId id = add(make_run("p", "a"));
  const auto queued = log_->retry_later(id, at(1), at(2), {at(1), "info", "x"});
  ASSERT_FALSE(queued);
  EXPECT_EQ(queued.error().code, ErrorCode::not_found);
  EXPECT_THAT(value(log_->log_lines(id)), IsEmpty());
}

TEST_F(RetryTest, a_clock_set_back_lets_go_what_was_held_since_the_future) {
  const RunId id = add(make_run("p", "a"));
  lease_at(1000);
  expect_ok(log_->retry_later(id, at(1000), at(1005), {at(1000), "info", "x"}));
  EXPECT_EQ(value(log_->next_due(at(1000))), at(1005));
  EXPECT_EQ(value(log_->next_due(at(900))), at(900));
  EXPECT_THAT(lease_at(900), ElementsAre("a"));
}

TEST_F(RetryTest, a_try_that_says_nothing_about_the_run_is_not_counted) {
  const RunId id = add(make_run("p", "a"));
  lease_at(10);
  expect_ok(log_->retry_later(id, at(10), at(11), {at(10), "info", "down"}, Attempt::uncounted));
  const auto runs = value(log_->lease(1, at(11)));
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].failures, 0);
  EXPECT_EQ(runs[0].tries, 2);
}

TEST_F(RetryTest, others_go_on_beside_a_run_held_back_even_its_own_twin) {
  const RunId held = add(make_run("p", "a", 1));
  lease_at(10);
  weir::Run forced = make_run("p", "a", 2);
  forced.force = true;
  add(forced);
  add(make_run("p", "b", 3));
  expect_ok(log_->retry_later(held, at(10), at(50), {at(10), "info", "x"}));
  EXPECT_THAT(lease_at(11), ElementsAre("a", "b"));
  // Due, but its object is being run.
  EXPECT_THAT(lease_at(60), IsEmpty());
  const FinishedRun finished{forced.id, RunState::succeeded, "", "", {}};
  expect_ok(log_->finish(std::span(&finished, 1), at(61)));
  EXPECT_THAT(lease_at(62), ElementsAre("a"));
}

TEST_F(RetryTest, who_asks_for_a_run_held_back_need_not_wait_but_the_watcher_does) {
  const RunId id = add(make_run("p", "a"));
  lease_at(10);
  expect_ok(log_->retry_later(id, at(10), at(50), {at(10), "info", "x"}));
  EXPECT_EQ(add(make_run("p", "a")), id);
  EXPECT_THAT(lease_at(11), IsEmpty());
  weir::Run asked = make_run("p", "a");
  asked.trigger = "manual";
  EXPECT_EQ(add(asked), id);
  EXPECT_THAT(lease_at(11), ElementsAre("a"));
}

TEST_F(RetryTest, retry_queues_parked_and_failed_runs_as_if_never_tried) {
  const RunId parked = end_as("a", RunState::parked);
  const RunId failed = end_as("b", RunState::failed);
  const RunId good = end_as("c", RunState::succeeded);
  const RunId replay = end_as("d", RunState::failed, replay_trigger);
  const std::vector<RunId> all = {parked, failed, good, replay, RunId("nope")};
  EXPECT_EQ(value(log_->retry(all)), 2u);
  EXPECT_EQ(value(log_->count(RunState::queued)), 2u);
  EXPECT_EQ(value(log_->count(RunState::parked)), 0u);
  const auto run = value(log_->find(parked));
  EXPECT_EQ(run->tries, 0);
  EXPECT_EQ(run->error, "");
  EXPECT_EQ(run->receipt, "");
  EXPECT_FALSE(run->started);
  EXPECT_FALSE(run->finished);
  EXPECT_THAT(lease_at(20), UnorderedElementsAre("a", "b"));
  EXPECT_EQ(state_of(good), RunState::succeeded);
  EXPECT_EQ(state_of(replay), RunState::failed);
}

TEST_F(RetryTest, retry_waits_while_the_object_is_being_run) {
  const RunId parked = end_as("a", RunState::parked);
  const RunId second = add(make_run("p", "a"));
  EXPECT_THAT(lease_at(12), ElementsAre("a"));
  EXPECT_EQ(retry(parked), 1u);
  EXPECT_THAT(lease_at(13), IsEmpty());
  const FinishedRun finished{second, RunState::succeeded, "", "", {}};
  expect_ok(log_->finish(std::span(&finished, 1), at(14)));
  EXPECT_THAT(lease_at(15), ElementsAre("a"));
}

TEST_F(RetryTest, dismiss_ends_only_what_is_parked) {
  const RunId parked = end_as("a", RunState::parked);
  const RunId good = end_as("b", RunState::succeeded);
  EXPECT_EQ(dismiss(good), 0u);
  EXPECT_EQ(dismiss(parked), 1u);
  EXPECT_EQ(state_of(parked), RunState::failed);
  EXPECT_EQ(value(log_->find(parked))->error, "bad");
  EXPECT_EQ(dismiss(parked), 0u);
  EXPECT_EQ(value(log_->count(RunState::parked)), 0u);
}

TEST_F(RetryTest, a_later_verdict_on_the_object_supersedes_what_was_parked) {
  for (const RunState state :
       {RunState::succeeded, RunState::partial, RunState::skipped, RunState::parked}) {
    const RunId parked = end_as("a", RunState::parked);
    const RunId later = end_as("a", state);
    EXPECT_EQ(state_of(parked), RunState::failed) << to_string(state);
    EXPECT_EQ(state_of(later), state);
  }
  EXPECT_EQ(value(log_->count(RunState::parked)), 1u);
  const RunId other = end_as("b", RunState::parked);
  end_as("a", RunState::succeeded);
  EXPECT_EQ(state_of(other), RunState::parked);
  end_as("b", RunState::succeeded, replay_trigger);
  EXPECT_EQ(state_of(other), RunState::parked) << "a replay says nothing about its object";
}

TEST_F(RetryTest, without_an_object_the_same_time_supersedes) {
  const RunId monday = end_as("", RunState::parked, "cron", 100);
  const RunId tuesday = end_as("", RunState::parked, "cron", 200);
  EXPECT_EQ(state_of(monday), RunState::parked);
  end_as("", RunState::succeeded, "backfill", 100);
  EXPECT_EQ(state_of(monday), RunState::failed);
  EXPECT_EQ(state_of(tuesday), RunState::parked);
}

TEST_F(RetryTest, a_closed_lane_or_pipeline_is_left_out) {
  const std::vector<QueueRule> rules = {{PipelineName("p"), "db"}, {PipelineName("q"), "db"}};
  expect_ok(log_->set_queue_rules(rules));
  add(make_run("p", "a"));
  add(make_run("q", "b"));
  add(make_run("r", "c"));
  const std::vector<std::string> lanes = {"db"};
  const auto lease = [&](const Closed& closed) {
    const auto runs = value(log_->lease(9, at(10), closed));
    return runs.empty() ? "" : runs[0].object->key.value();
  };
  EXPECT_EQ(lease({.lanes = lanes}), "c");
  EXPECT_EQ(lease({.lanes = lanes}), "");
  const std::vector<PipelineName> pipelines = {PipelineName("p")};
  EXPECT_EQ(lease({.pipelines = pipelines}), "b");
  expect_ok(log_->set_queue_rules({}));
  EXPECT_EQ(lease({.lanes = lanes}), "a") << "without a rule it is in no lane";
}

TEST_F(RetryTest, a_rule_lets_several_runs_without_object_run_at_once) {
  const QueueRule rule{PipelineName("p"), "", 2};
  expect_ok(log_->set_queue_rules(std::span(&rule, 1)));
  for (int i = 0; i < 3; ++i) add(make_run("p", ""));
  EXPECT_THAT(lease_at(10), SizeIs(1));
  EXPECT_THAT(lease_at(10), SizeIs(1));
  EXPECT_THAT(lease_at(10), IsEmpty());
}

}  // namespace
}  // namespace weir::runlog::testing
