#include "scheduler/run_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::scheduler {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class SetClock final : public Clock {
 public:
  Timestamp now() const override { return time; }
  Timestamp time{seconds(1'800'000'000)};
};

class RunMeterTest : public ::testing::Test {
 protected:
  weir::Run run(const char* pipeline, const char* trigger = "watch") {
    weir::Run made;
    made.id = RunId("r");
    made.pipeline = PipelineName(pipeline);
    made.trigger = trigger;
    made.created = made.scheduled_for = clock.time;
    made.tries = 1;
    return made;
  }
  static Receipt receipt(uint64_t read) {
    Receipt made;
    made.rows.read = read;
    made.duration_ms = 100;
    return made;
  }

  SetClock clock;
  metrics::Metrics metrics{"1"};
  RunMeter meter{metrics, clock};
};

TEST_F(RunMeterTest, CountsRunsRowsAndBrokenRules) {
  Receipt bad = receipt(10);
  bad.rows.rejected = 5;
  bad.broken_rules = {{"required", 3}};
  meter.finished(run("load"), bad, RunState::partial);
  meter.retried(run("load"), Error{}, {});
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("weir_runs_total{pipeline=\"load\",state=\"partial\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{pipeline=\"load\",rule=\"required\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("{pipeline=\"load\",rule=\"(unknown)\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("weir_run_retries_total{pipeline=\"load\"} 1\n"));
}

TEST_F(RunMeterTest, CountsWhatWasDownloaded) {
  meter.downloaded(run("fetch"), 4096);
  meter.downloaded(run("fetch"), 4);
  EXPECT_THAT(metrics.text(), HasSubstr("weir_downloaded_bytes_total{pipeline=\"fetch\"} 4100\n"));
}

TEST_F(RunMeterTest, ArrivalAndLatenessAreMeasuredWhereTheyAreMeant) {
  const weir::Run arrived = run("load");
  const weir::Run scheduled = run("daily", "cron");
  weir::Run again = scheduled;
  again.tries = 2;
  const weir::Run asked = run("load", "manual");
  clock.time += seconds(20);
  for (const weir::Run& each : {arrived, scheduled, again, asked}) meter.started(each);
  meter.finished(arrived, receipt(1), RunState::succeeded);
  meter.finished(asked, receipt(1), RunState::succeeded);
  meter.finished(arrived, receipt(1), RunState::failed);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("weir_schedule_lateness_seconds_count{pipeline=\"daily\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weir_schedule_lateness_seconds_sum{pipeline=\"daily\"} 20\n"));
  EXPECT_THAT(text, Not(HasSubstr("weir_schedule_lateness_seconds_count{pipeline=\"load\"}")));
  EXPECT_THAT(text, HasSubstr("weir_arrival_to_commit_seconds_count{pipeline=\"load\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weir_arrival_to_commit_seconds_sum{pipeline=\"load\"} 20\n"));
}

TEST_F(RunMeterTest, RemembersTheLastMinute) {
  meter.finished(run("a"), receipt(100), RunState::succeeded);
  clock.time += seconds(30);
  meter.finished(run("a"), receipt(10), RunState::parked);
  meter.finished(run("b"), receipt(1), RunState::skipped);
  auto minute = meter.last_minute();
  EXPECT_EQ(minute[PipelineName("a")].ended, 2u);
  EXPECT_EQ(minute[PipelineName("a")].failed, 1u);
  EXPECT_EQ(minute[PipelineName("a")].rows, 110u);
  EXPECT_EQ(minute[PipelineName("b")].ended, 1u);
  clock.time += seconds(40);
  minute = meter.last_minute();
  EXPECT_EQ(minute[PipelineName("a")].rows, 10u);
  clock.time += seconds(60);
  EXPECT_TRUE(meter.last_minute().empty());
  meter.finished(run("b"), receipt(7), RunState::succeeded);
  EXPECT_EQ(meter.last_minute().size(), 1u);
  clock.time -= seconds(3600);  // the clock was set back: the future is not the last minute
  EXPECT_TRUE(meter.last_minute().empty());
}

TEST_F(RunMeterTest, RemembersWhichDatabasesDoNotAnswer) {
  meter.breaker(DatabaseName("w"), BreakerState::open, "held by pid 7");
  EXPECT_EQ(meter.open_breakers()[DatabaseName("w")], "held by pid 7");
  EXPECT_THAT(metrics.text(), HasSubstr("weir_breaker_open{database=\"w\"} 1\n"));
  meter.breaker(DatabaseName("w"), BreakerState::closed, "");
  EXPECT_TRUE(meter.open_breakers().empty());
  EXPECT_THAT(metrics.text(), HasSubstr("weir_breaker_open{database=\"w\"} 0\n"));
}

}  // namespace
}  // namespace weir::scheduler
