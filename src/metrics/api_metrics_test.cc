#include "metrics/api_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "metrics/metrics.h"

namespace weir::metrics {
namespace {

using std::chrono::duration;
using ::testing::HasSubstr;
using ::testing::Not;

const TableName people("people");

class ApiMetricsTest : public ::testing::Test {
 protected:
  void expect_lines(std::initializer_list<const char*> lines) const {
    const std::string text = metrics.text();
    for (const char* line : lines) EXPECT_THAT(text, HasSubstr(line));
  }

  Metrics metrics{"1"};
  ApiMetrics& api = metrics.count_api({{"/api/runs", "/docs"}, {people}, {"stopping"}});
};

TEST_F(ApiMetricsTest, CountsRequestsByRouteMethodAndStatus) {
  api.answered(0, "GET", 200, duration<double>(0.001));
  api.answered(0, "GET", 204, duration<double>(0.002));
  api.answered(1, "BREW", 405, duration<double>(40));
  expect_lines({
      "weir_api_requests_total{route=\"/api/runs\",method=\"GET\",status=\"2xx\"} 2\n",
      "weir_api_requests_total{route=\"/docs\",method=\"(other)\",status=\"4xx\"} 1\n",
      "weir_api_request_duration_seconds_count{route=\"/api/runs\"} 2\n",
      "weir_api_request_duration_seconds_sum{route=\"/api/runs\"} 0.003\n",
      // A value that is a bound is below it.
      "weir_api_request_duration_seconds_bucket{route=\"/api/runs\",le=\"0.001\"} 1\n",
      "weir_api_request_duration_seconds_bucket{route=\"/api/runs\",le=\"0.0025\"} 2\n",
      "weir_api_request_duration_seconds_bucket{route=\"/docs\",le=\"30\"} 0\n",
      "weir_api_request_duration_seconds_bucket{route=\"/docs\",le=\"+Inf\"} 1\n",
  });
  EXPECT_THAT(metrics.text(), Not(HasSubstr("BREW")));
}

TEST_F(ApiMetricsTest, CountsRowsAndRejects) {
  RowCounts rows;
  rows.read = 5;
  rows.inserted = 3;
  rows.rejected = 2;
  api.rows_ended(people, rows, {{"required", 2}});
  api.rows_ended(people, rows, {{"required", 1}, {">= 0", 1}});
  api.rows_ended(TableName("of nobody"), rows, {{"required", 2}});
  expect_lines({
      "weir_api_rows_total{table=\"people\",outcome=\"inserted\"} 6\n",
      "weir_api_rows_total{table=\"people\",outcome=\"rejected\"} 4\n",
      "weir_api_rows_total{table=\"people\",outcome=\"updated\"} 0\n",
      "weir_api_rejected_rows_total{table=\"people\",rule=\"required\"} 3\n",
      "weir_api_rejected_rows_total{table=\"people\",rule=\">= 0\"} 1\n",
  });
  EXPECT_THAT(metrics.text(), Not(HasSubstr("of nobody")));
}

TEST_F(ApiMetricsTest, RulesBeyondTheFirstFiftyAreOne) {
  for (int i = 0; i < 60; ++i) api.rows_ended(people, {}, {{"rule " + std::to_string(i), 1}});
  api.rows_ended(people, {}, {{"rule 0", 1}});
  expect_lines({"rule=\"rule 0\"} 2\n", "rule=\"rule 49\"} 1\n", "rule=\"(other)\"} 10\n"});
  EXPECT_THAT(metrics.text(), Not(HasSubstr("rule 50")));
}

TEST_F(ApiMetricsTest, WhatWaitsGoesUpAndDown) {
  api.rows_wait(people, 100);
  api.rows_wait(people, 50);
  api.rows_answered(people, 100);
  expect_lines({"weir_api_waiting_requests{table=\"people\"} 1\n",
                "weir_api_waiting_bytes{table=\"people\"} 50\n"});
}

TEST_F(ApiMetricsTest, CommitsAndRefusals) {
  api.committed(1);
  api.committed(200);
  api.refused("stopping");
  api.refused("what nobody has named");
  Levels levels;
  levels.api_connections = 7;
  levels.api_cut = {{"idle_time", 3}};
  levels.spans = {{"dropped", 2}};
  metrics.set(levels);
  expect_lines({"weir_api_commit_requests_bucket{le=\"1\"} 1\n",
                "weir_api_commit_requests_bucket{le=\"256\"} 2\n",
                "weir_api_commit_requests_sum 201\n",
                "weir_api_refused_total{reason=\"stopping\"} 1\n", "weir_api_connections 7\n",
                "weir_api_connections_cut_total{reason=\"idle_time\"} 3\n",
                "weir_trace_spans_total{outcome=\"dropped\"} 2\n"});
  EXPECT_THAT(metrics.text(), Not(HasSubstr("nobody")));
}

TEST_F(ApiMetricsTest, NothingIsLostBetweenThreads) {
  constexpr int threads = 4, each = 10'000;
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([this] {
      for (int n = 0; n < each; ++n) {
        api.answered(0, "POST", 200, duration<double>(1));
        api.rows_ended(people, {.inserted = 1}, {});
        api.rows_wait(people, 1);
        api.rows_answered(people, 1);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  expect_lines({"method=\"POST\",status=\"2xx\"} 40000\n",
                "weir_api_request_duration_seconds_sum{route=\"/api/runs\"} 40000\n",
                "outcome=\"inserted\"} 40000\n",
                "weir_api_waiting_requests{table=\"people\"} 0\n"});
}

TEST(MetricsWithoutApiTest, ShowNothingOfIt) {
  EXPECT_THAT(Metrics("1").text(), Not(HasSubstr("weir_api")));
}

}  // namespace
}  // namespace weir::metrics
