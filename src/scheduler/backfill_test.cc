#include "scheduler/backfill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/coming_fires.h"
#include "scheduler/cron_store_for_test.h"

namespace weir::scheduler {
namespace {

using testing::ElementsAre;

const Timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);

std::vector<std::string> times(const Pipeline& pipeline, const char* from, const char* to) {
  const auto runs = backfill_runs(pipeline, from, to, now);
  if (!runs) return {runs.error().message, runs.error().fix};
  std::vector<std::string> out;
  for (const Run& run : *runs) {
    EXPECT_EQ(run.trigger, "backfill");
    EXPECT_EQ(run.priority, pipeline.priority - 1);
    EXPECT_EQ(run.created, now);
    out.push_back(format_timestamp(run.scheduled_for).substr(0, 16));
  }
  EXPECT_TRUE(std::ranges::is_sorted(*runs, {}, &Run::id));
  return out;
}

Pipeline pipeline_of(const std::vector<CronTrigger>& triggers) {
  Pipeline pipeline;
  pipeline.name = PipelineName("daily");
  for (const CronTrigger& trigger : triggers) pipeline.triggers.push_back(trigger);
  return pipeline;
}

TEST(Backfill, dates_are_the_days_that_closed_in_the_pipelines_zone) {
  const Pipeline daily = pipeline_of({{"5 0 * * *", "America/Argentina/Buenos_Aires"}});
  EXPECT_THAT(times(daily, "2026-11-01", "2026-11-03"),
              ElementsAre("2026-11-02T03:05", "2026-11-03T03:05", "2026-11-04T03:05"));
  EXPECT_THAT(times(daily, "2026-11-01", "2026-11-01"), ElementsAre("2026-11-02T03:05"));
  const Pipeline apia = pipeline_of({{"0 12 * * *", "Pacific/Apia"}});  // no 2011-12-30 there
  EXPECT_THAT(
      times(apia, "2011-12-28", "2011-12-31"),
      ElementsAre("2011-12-29T22:00", "2011-12-30T10:00", "2011-12-30T22:00", "2011-12-31T22:00"));
}

TEST(Backfill, times_are_those_it_was_scheduled_for_both_ends_included) {
  const Pipeline hourly = pipeline_of({{"@hourly", ""}});
  EXPECT_THAT(times(hourly, "2026-11-01T09:00:00Z", "2026-11-01T11:00Z"),
              ElementsAre("2026-11-01T09:00", "2026-11-01T10:00", "2026-11-01T11:00"));
  EXPECT_THAT(times(hourly, "2026-11-01T10:00:00.000001+01:00", "2026-11-01T11:59:59+01:00"),
              ElementsAre("2026-11-01T10:00"));
  EXPECT_THAT(times(hourly, "2026-10-31", "2026-11-01T01:30:00Z").size(), 2u);  // days and times
}

TEST(Backfill, several_schedules_are_one_row_of_times) {
  EXPECT_THAT(
      times(pipeline_of({{"0 */12 * * *", ""}, {"0 0,6 * * *", ""}}), "2026-10-31", "2026-10-31"),
      ElementsAre("2026-11-01T00:00", "2026-11-01T06:00", "2026-11-01T12:00"));
}

TEST(Backfill, says_what_is_wrong) {
  const Pipeline daily = pipeline_of({{"5 0 * * *", ""}});
  EXPECT_THAT(times(daily, "yesterday", "2026-11-03"),
              ElementsAre("--from 'yesterday' is no date and no time",
                          "write 2026-11-20, or 2026-11-20T09:00:00Z"));
  for (const char* wrong :
       {"2026-02-29", "2026-11-20T09:00", "2026-11-20T24:00Z", "2026-11-20T09:00:00.Z",
        "2026-11-20T09:00+1:00", "2026-1-1", "", "2026-11-20T09:61Z"}) {
    EXPECT_EQ(times(daily, "2026-01-01", wrong).front(),
              "--to '" + std::string(wrong) + "' is no date and no time");
  }
  EXPECT_THAT(times(daily, "2026-11-03", "2026-11-01"),
              ElementsAre("pipeline 'daily' does not fire between 2026-11-03 and 2026-11-01",
                          "--from comes before --to"));
  EXPECT_THAT(times(pipeline_of({{"0 0 29 2 *", ""}}), "2026-01-01", "2026-12-31"),
              ElementsAre("pipeline 'daily' does not fire between 2026-01-01 and 2026-12-31",
                          "`weir runs --next --pipeline daily` shows when it does"));
  EXPECT_EQ(times(pipeline_of({{"* * * * * *", ""}}), "2026-01-01", "2026-12-31").front(),
            "pipeline 'daily' fires more than 100000 times in between");
  EXPECT_EQ(times(pipeline_of({}), "2026-01-01", "2026-12-31").front(),
            "pipeline 'daily' has no cron trigger");
}

TEST(ComingFires, of_all_pipelines_soonest_first) {
  const Project project = cron_project({{"0 * * * *", ""}, {"30 20 * * *", "America/New_York"}});
  const auto fires = coming_fires(project, {}, {}, now + std::chrono::minutes(30), 4);
  ASSERT_TRUE(fires);
  std::vector<std::string> lines;
  for (const ComingFire& fire : *fires) {
    lines.push_back(fire.pipeline.value() + " " + format_timestamp(fire.time).substr(0, 16) + " " +
                    format_timestamp(Timestamp(fire.local.time_since_epoch())).substr(0, 16) + " " +
                    std::to_string(fire.offset.count()));
  }
  EXPECT_THAT(lines, ElementsAre("p0 2026-11-20T01:00 2026-11-20T01:00 0",
                                 "p1 2026-11-20T01:30 2026-11-19T20:30 -18000",
                                 "p0 2026-11-20T02:00 2026-11-20T02:00 0",
                                 "p0 2026-11-20T03:00 2026-11-20T03:00 0"));
  EXPECT_EQ(coming_fires(project, PipelineName("p1"), {}, now, 3)->size(), 3u);
  EXPECT_EQ(coming_fires(project, PipelineName("p2"), {}, now, 3)->size(), 0u);
}

TEST(ComingFires, not_what_has_fired_before_the_clock_was_set_back) {
  const Project project = cron_project({{"0 * * * *", ""}, {"30 * * * *", ""}});
  const runlog::ScheduleMark mark = {{PipelineName("p0"), "0 * * * * UTC"},
                                     now + std::chrono::hours(2)};
  const auto fires = coming_fires(project, {}, {&mark, 1}, now, 4);
  ASSERT_TRUE(fires);
  std::vector<std::string> lines;
  for (const ComingFire& fire : *fires) {
    lines.push_back(fire.pipeline.value() + format_timestamp(fire.time).substr(10, 6));
  }
  EXPECT_THAT(lines, ElementsAre("p1T00:30", "p1T01:30", "p1T02:30", "p0T03:00"));
}

}  // namespace
}  // namespace weir::scheduler
