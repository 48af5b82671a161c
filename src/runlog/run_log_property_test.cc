#include <gmock/gmock.h>

#include <random>

#include "runlog/run_log_for_test.h"
#include "runlog/slow_run_log_for_test.h"

namespace weir::runlog::testing {
namespace {

constexpr RunState endings[] = {RunState::succeeded, RunState::partial, RunState::failed,
                                RunState::skipped,   RunState::parked,  RunState::parked};

std::string describe(const weir::Run& run) {
  const auto time = [](const std::optional<Timestamp>& moment) {
    return moment ? std::to_string(moment->time_since_epoch().count()) : std::string("-");
  };
  std::string text = run.id.value() + " " + run.pipeline.value() + " ";
  text += run.object ? run.object->to_string() : "-";
  text += " " + run.trigger + " " + std::string(to_string(run.state)) + (run.force ? " force" : "");
  text += " tries " + std::to_string(run.tries) + " failures " + std::to_string(run.failures);
  text += " priority " + std::to_string(run.priority) + " at";
  for (const auto& moment : {std::optional(run.scheduled_for), std::optional(run.created),
                             run.not_before, run.started, run.finished}) {
    text += " " + time(moment);
  }
  return text + " " + run.error + "|" + run.receipt;
}

std::vector<std::string> describe(const std::vector<weir::Run>& runs) {
  std::vector<std::string> texts;
  for (const weir::Run& run : runs) texts.push_back(describe(run));
  return texts;
}

/// Random work for the run log and for its model, which must agree on everything it says.
class RunLogPropertyTest : public RunLogTest, public ::testing::WithParamInterface<uint32_t> {
 protected:
  size_t pick(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_); }
  bool chance(int percent) { return pick(100) < static_cast<size_t>(percent); }
  PipelineName any_pipeline() { return PipelineName("p" + std::to_string(pick(4))); }

  weir::Run any_run() {
    static constexpr const char* triggers[] = {"watch", "watch", "manual", "cron", replay_trigger};
    weir::Run run =
        make_run(any_pipeline().value(), chance(20) ? "" : std::string(1, char('a' + pick(4))));
    run.trigger = triggers[pick(5)];
    run.force = chance(20);
    run.priority = static_cast<int>(pick(3)) - 1;
    run.created = now_;
    run.scheduled_for = at(static_cast<int64_t>(pick(3)));
    return run;
  }
  std::vector<RunId> ids(std::initializer_list<RunState> states) {
    std::vector<RunId> found;
    for (const auto& entry : model_.entries) {
      if (std::ranges::find(states, entry.run.state) != states.end()) found.push_back(entry.run.id);
    }
    return found;
  }
  std::vector<RunId> some(std::vector<RunId> from) {
    std::ranges::shuffle(from, random_);
    from.resize(from.empty() ? 0 : 1 + pick(std::min<size_t>(from.size(), 3)));
    return from;
  }

  void enqueue() {
    std::vector<weir::Run> runs(1 + pick(4));
    std::vector<RunId> expected;
    for (weir::Run& run : runs) expected.push_back(model_.enqueue(run = any_run()));
    EXPECT_EQ(value(log_->enqueue(runs)), expected);
  }
  void lease() {
    std::vector<PipelineName> pipelines;
    std::vector<std::string> lanes;
    if (chance(30)) pipelines.push_back(any_pipeline());
    if (chance(30)) lanes.push_back(chance(50) ? "" : "db");
    const size_t limit = 1 + pick(4);
    const Closed closed{pipelines, lanes};
    EXPECT_EQ(describe(value(log_->lease(limit, now_, closed))),
              describe(model_.lease(limit, now_, closed)));
  }
  void finish() {
    std::vector<FinishedRun> finished;
    for (const RunId& id : some(ids({RunState::running}))) {
      FinishedRun& run = finished.emplace_back();
      run.id = id;
      run.state = endings[pick(std::size(endings))];
      run.receipt = chance(80) ? "{}" : "";
      run.log = {{now_, "info", "ended"}};
      if (chance(30)) run.notices.push_back({.id = id.value() + ".1", .step = 1, .body = "b"});
    }
    for (const FinishedRun& run : finished) model_.finish(run, now_);
    expect_ok(log_->finish(finished, now_));
  }
  void hold() {
    for (const RunId& id : some(ids({RunState::running}))) {
      const Timestamp until = now_ + std::chrono::seconds(pick(20));
      const Attempt attempt = chance(70) ? Attempt::failed : Attempt::uncounted;
      const LogLine line{now_, "warning", "later"};
      model_.retry_later(id, now_, until, line, attempt);
      expect_ok(log_->retry_later(id, now_, until, line, attempt));
    }
  }
  void requeue() {
    const auto runs = some(ids({RunState::running}));
    for (const RunId& id : runs) model_.requeue(id);
    expect_ok(log_->requeue(runs));
  }
  void retry_or_dismiss() {
    const auto runs = some(ids({RunState::parked, RunState::failed, RunState::succeeded}));
    const bool again = chance(60);
    size_t expected = 0;
    for (const RunId& id : runs) expected += again ? model_.retry(id) : model_.dismiss(id);
    EXPECT_EQ(value(again ? log_->retry(runs) : log_->dismiss(runs)), expected);
  }
  void set_rules() {
    std::vector<QueueRule> rules;
    for (int i = 0; i < 4; ++i) {
      if (chance(50)) continue;
      rules.push_back({PipelineName("p" + std::to_string(i)), chance(50) ? "db" : "",
                       static_cast<int>(1 + pick(2))});
    }
    model_.set_rules(rules);
    expect_ok(log_->set_queue_rules(rules));
  }
  void fire() {
    Fires fires{{{any_pipeline(), chance(50) ? "@daily UTC" : "@hourly UTC"}, now_}, {}};
    if (chance(50)) {
      fires.runs.push_back(any_run());
      fires.runs.back().object.reset();
    }
    model_.fire(fires);
    expect_ok(log_->fire(std::span(&fires, 1)));
  }
  void deal_with_notice() {
    if (model_.notices.empty()) return;
    const auto chosen =
        std::next(model_.notices.begin(), static_cast<ptrdiff_t>(pick(model_.notices.size())));
    const std::string id = chosen->first;
    const LogLine line{now_, "warning", "notice"};
    auto& log = model_.find(chosen->second.notice.run)->log;
    if (chance(40)) {
      chosen->second.due = now_ + std::chrono::seconds(pick(20));
      chosen->second.since = now_;
      log.push_back(line.message);
      expect_ok(log_->notice_later(id, now_, chosen->second.due, line));
      return;
    }
    model_.notices.erase(chosen);
    if (chance(50)) {
      expect_ok(log_->notice_delivered(id));
    } else {
      log.push_back(line.message);
      expect_ok(log_->notice_given_up(id, line));
    }
  }
  void prune() {
    const HistoryLimits limits{std::chrono::seconds(5 + pick(40)), 3 + pick(10)};
    const size_t at_most = 1 + pick(5);
    EXPECT_EQ(value(log_->prune(limits, now_, at_most)), model_.prune(limits, now_, at_most));
  }
  void restart() {
    reopen();
    EXPECT_EQ(value(log_->recover()), model_.recover());
  }

  void step() {
    const size_t dice = pick(100);
    if (dice < 25) return enqueue();
    if (dice < 50) return lease();
    if (dice < 68) return finish();
    if (dice < 75) return hold();
    if (dice < 78) return requeue();
    if (dice < 84) return retry_or_dismiss();
    if (dice < 86) return set_rules();
    if (dice < 89) return fire();
    if (dice < 93) return deal_with_notice();
    if (dice < 96) return prune();
    if (dice < 97) return restart();
    if (dice < 98) return reopen();
    now_ -= std::chrono::seconds(30);  // the clock is set back
  }

  RunFilter any_filter() {
    RunFilter filter;
    if (chance(40)) filter.pipeline = any_pipeline();
    if (chance(40)) filter.state = static_cast<RunState>(pick(7));
    if (chance(30)) {
      filter.object =
          ObjectRef{BucketName("landing"), ObjectKey(std::string(1, char('a' + pick(4))))};
    }
    if (chance(30)) filter.since = now_ - std::chrono::seconds(pick(60));
    if (chance(30)) filter.until = now_ - std::chrono::seconds(pick(60));
    filter.limit = 1 + pick(30);
    return filter;
  }
  void compare() {
    EXPECT_EQ(describe(value(log_->list({.limit = 10'000}))),
              describe(model_.list({.limit = 10'000})));
    const RunFilter filter = any_filter();
    EXPECT_EQ(describe(value(log_->list(filter))), describe(model_.list(filter)));
    EXPECT_EQ(value(log_->next_due(now_)), model_.next_due(now_));
    for (int state = 0; state < 7; ++state) {
      EXPECT_EQ(value(log_->count(static_cast<RunState>(state))),
                model_.list({.state = static_cast<RunState>(state), .limit = 10'000}).size());
    }
    const PipelineName pipeline = any_pipeline();
    const auto parked = value(log_->last_failed(pipeline));
    EXPECT_EQ(std::set(parked.begin(), parked.end()), model_.last_failed(pipeline));
    std::set<std::string> due;
    for (const Notice& notice : value(log_->due_notices(now_, 1000))) due.insert(notice.id);
    EXPECT_EQ(due, model_.due_notices(now_));
    std::map<ScheduleKey, Timestamp> marks;
    for (const ScheduleMark& mark : value(log_->schedule_marks())) marks[mark.key] = mark.through;
    EXPECT_EQ(marks, model_.marks);
  }
  void compare_logs() {
    size_t lines = 0;
    for (const auto& entry : model_.entries) {
      std::vector<std::string> messages;
      for (const LogLine& line : value(log_->log_lines(entry.run.id))) {
        messages.push_back(line.message);
      }
      EXPECT_EQ(messages, entry.log) << entry.run.id.value();
      lines += messages.size();
    }
    EXPECT_EQ(value(log_->all_log_lines(0, RunLog::no_limit)).size(), lines);
  }

  std::mt19937 random_{GetParam()};
  Timestamp now_ = at(1000);
  SlowRunLog model_;
};

TEST_P(RunLogPropertyTest, agrees_with_its_model_whatever_happens) {
  for (int i = 0; i < 500; ++i) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()) + ", step " + std::to_string(i));
    now_ += std::chrono::milliseconds(pick(2000));
    step();
    compare();
    if (HasFailure()) return;
  }
  compare_logs();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RunLogPropertyTest, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace weir::runlog::testing
