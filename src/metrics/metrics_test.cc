#include "metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>

namespace weir::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const PipelineName load("load");

EndedRun ended(RunState state) {
  EndedRun run;
  run.pipeline = load;
  run.state = state;
  run.rows.read = 10;
  run.rows.inserted = 7;
  run.rows.rejected = 3;
  run.duration = Seconds(0.2);
  run.at = std::chrono::system_clock::time_point(std::chrono::seconds(1'800'000'000));
  return run;
}

TEST(MetricsTest, CountsRunsAndRows) {
  Metrics metrics("1.2.3");
  metrics.run_ended(ended(RunState::partial));
  metrics.run_ended(ended(RunState::partial));
  EndedRun parked = ended(RunState::parked);
  parked.rows = {};
  parked.at += std::chrono::hours(1);
  metrics.run_ended(parked);
  metrics.run_retried(load);
  metrics.rejected(load, ">= 0", 2);
  metrics.rejected(load, "matches '\"\\d\"'", 1);
  metrics.downloaded(load, 4096);
  const std::string text = metrics.text();
  for (const char* line : {
           "weir_runs_total{pipeline=\"load\",state=\"partial\"} 2\n",
           "weir_runs_total{pipeline=\"load\",state=\"parked\"} 1\n",
           "weir_runs_total{pipeline=\"load\",state=\"succeeded\"} 0\n",
           "weir_run_retries_total{pipeline=\"load\"} 1\n",
           "weir_rows_total{counter=\"read\",pipeline=\"load\"} 20\n",
           "weir_rows_total{counter=\"inserted\",pipeline=\"load\"} 14\n",
           "weir_rejected_rows_total{pipeline=\"load\",rule=\">= 0\"} 2\n",
           "weir_rejected_rows_total{pipeline=\"load\",rule=\"matches '\\\"\\\\d\\\"'\"} 1\n",
           "weir_downloaded_bytes_total{pipeline=\"load\"} 4096\n",
           "weir_run_duration_seconds_count{pipeline=\"load\"} 3\n",
           "weir_run_duration_seconds_bucket{pipeline=\"load\",le=\"0.1\"} 0\n",
           "weir_run_duration_seconds_bucket{pipeline=\"load\",le=\"0.25\"} 3\n",
           "weir_last_success_timestamp_seconds{pipeline=\"load\"} 1800000000\n",
           "weir_build_info{version=\"1.2.3\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(MetricsTest, TimesAreObservedOnlyWhereTheyMeanSomething) {
  Metrics metrics("1");
  metrics.run_started(load, std::nullopt);
  EndedRun manual = ended(RunState::succeeded);
  metrics.run_ended(manual);
  EXPECT_THAT(metrics.text(), Not(HasSubstr("weir_schedule_lateness_seconds_count")));
  EXPECT_THAT(metrics.text(), Not(HasSubstr("weir_arrival_to_commit_seconds_count")));
  metrics.run_started(load, Seconds(20));
  metrics.run_started(load, Seconds(-1));  // the clock was set back
  EndedRun arrived = ended(RunState::succeeded);
  arrived.since_arrival = Seconds(2);
  metrics.run_ended(arrived);
  EXPECT_THAT(metrics.text(),
              HasSubstr("weir_schedule_lateness_seconds_sum{pipeline=\"load\"} 20\n"));
  EXPECT_THAT(metrics.text(),
              HasSubstr("weir_arrival_to_commit_seconds_bucket{pipeline=\"load\",le=\"2.5\"} 1\n"));
}

TEST(MetricsTest, ExpectedPipelinesAreThereBeforeTheirFirstRun) {
  Metrics metrics("1");
  metrics.expect(std::vector{load});
  EXPECT_THAT(metrics.text(), HasSubstr("weir_runs_total{pipeline=\"load\",state=\"failed\"} 0\n"));
}

TEST(MetricsTest, LevelsAndBreakersAreWhatTheyWereSetTo) {
  Metrics metrics("1");
  metrics.set({.queued = 5,
               .held = 2,
               .running = 1,
               .parked = 3,
               .notices_waiting = 4,
               .state_free_bytes = 1'000'000'000,
               .ready = true});
  metrics.breaker(DatabaseName("warehouse"), true);
  std::string text = metrics.text();
  for (const char* line :
       {"weir_queued_runs 5\n", "weir_held_runs 2\n", "weir_running_runs 1\n",
        "weir_parked_runs 3\n", "weir_notices_waiting 4\n", "weir_ready 1\n",
        "weir_state_free_bytes 1000000000\n", "weir_breaker_open{database=\"warehouse\"} 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  metrics.breaker(DatabaseName("warehouse"), false);
  EXPECT_THAT(metrics.text(), HasSubstr("weir_breaker_open{database=\"warehouse\"} 0\n"));
}

TEST(MetricsTest, ManyPipelinesAndRulesStayFewSeries) {
  Metrics metrics("1");
  for (size_t i = 0; i < Metrics::most_pipelines + 3; ++i) {
    metrics.run_retried(PipelineName("p" + std::to_string(i)));
  }
  for (size_t i = 0; i < Metrics::most_rules + 4; ++i) {
    metrics.rejected(PipelineName("p0"), "rule " + std::to_string(i), 1);
  }
  metrics.rejected(PipelineName("p0"), "rule 0", 1);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("weir_run_retries_total{pipeline=\"(other)\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("{pipeline=\"p0\",rule=\"(other)\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("{pipeline=\"p0\",rule=\"rule 0\"} 2\n"));
}

TEST(MetricsTest, ThreadsRecordAtOnce) {
  Metrics metrics("1");
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&metrics] {
      for (int i = 0; i < 500; ++i) {
        metrics.run_ended(ended(RunState::succeeded));
        metrics.rejected(load, "required", 1);
        if (i % 100 == 0) metrics.text();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("weir_runs_total{pipeline=\"load\",state=\"succeeded\"} 2000\n"));
  EXPECT_THAT(text, HasSubstr("{pipeline=\"load\",rule=\"required\"} 2000\n"));
}

TEST(MetricsTest, TheProcessShowsItself) {
  const std::string text = Metrics("1").text();
  for (const char* name :
       {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
        "process_max_fds", "process_threads", "process_start_time_seconds"}) {
    std::smatch match;
    ASSERT_TRUE(std::regex_search(text, match, std::regex("\n" + std::string(name) + " (.*)\n")));
    EXPECT_GT(std::stod(match[1]), std::string(name).starts_with("process_cpu") ? -1 : 0) << name;
  }
}

/// The reference page says of every metric what the code says, and names no other.
TEST(MetricsTest, TheReferencePageIsTrue) {
  const auto page =
      std::filesystem::path(__FILE__).parent_path() / "../../docs/reference/metrics.md";
  std::ifstream file(page);
  ASSERT_TRUE(file) << page;
  std::vector<std::string> rows, expected;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `")) rows.push_back(line);
  }
  for (const Description& each : descriptions()) {
    std::string labels;
    std::istringstream names{std::string(each.labels)};
    for (std::string name; std::getline(names >> std::ws, name, ',');) {
      labels += (labels.empty() ? "`" : ", `") + name + "`";
    }
    expected.push_back("| `" + std::string(each.name) + "` | " + std::string(each.type) + " | " +
                       labels + " | " + std::string(each.help) + " |");
  }
  EXPECT_EQ(rows, expected);
}

/// The alerts that are recommended ask for metrics that exist.
TEST(MetricsTest, TheAlertsAreAboutWhatIsThere) {
  const auto page = std::filesystem::path(__FILE__).parent_path() / "../../docs/guide/alerts.yaml";
  std::ifstream file(page);
  ASSERT_TRUE(file) << page;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  size_t asked = 0;
  const std::regex name("\\b(weir|process)_[a-z_]+");
  for (std::sregex_iterator each(text.begin(), text.end(), name), end; each != end; ++each) {
    const std::string metric = std::regex_replace(each->str(), std::regex("_bucket$"), "");
    const auto known = descriptions();
    EXPECT_TRUE(std::any_of(known.begin(), known.end(), [&](const Description& one) {
      return one.name == metric;
    })) << metric;
    ++asked;
  }
  EXPECT_GT(asked, 10u);
}

/// And what a scrape shows is described, with the right type.
TEST(MetricsTest, WhatAScrapeShowsIsDescribed) {
  Metrics metrics("1");
  metrics.run_started(load, Seconds(1));
  EndedRun run = ended(RunState::succeeded);
  run.since_arrival = Seconds(1);
  metrics.run_ended(run);
  metrics.rejected(load, "required", 1);
  metrics.downloaded(load, 1);
  metrics.breaker(DatabaseName("w"), false);
  ApiMetrics& api = metrics.count_api({{"/api/runs"}, {TableName("t")}, {"stopping"}});
  api.rows_ended(TableName("t"), {}, {{"required", 1}});
  Levels levels;
  levels.api_cut = {{"crowded", 1}};
  levels.spans = {{"sent", 1}};
  metrics.set(levels);
  const std::string text = metrics.text();
  for (const Description& each : descriptions()) {
    EXPECT_THAT(text, HasSubstr("# TYPE " + std::string(each.name) + " " + std::string(each.type)));
    EXPECT_THAT(text, HasSubstr("# HELP " + std::string(each.name) + " " + std::string(each.help)));
  }
  const std::regex type("# TYPE ");
  EXPECT_EQ(std::distance(std::sregex_iterator(text.begin(), text.end(), type), {}),
            static_cast<long>(descriptions().size()));
}

}  // namespace
}  // namespace weir::metrics
