#include "pipeline/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "duckdb/connection.h"
#include "pipeline/test_project.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;

constexpr const char* three_sessions =
    R"([{"userId":"0012","visitId":1,"date":"20170701","device":"mobile","hit":[{"n":1},{"n":2}]},)"
    R"( {"userId":"12345678901234567890","visitId":2,"date":"20170701","device":"desktop","hit":[]},)"
    R"( {"userId":"7","visitId":3,"date":"20170702","device":null,"hit":[{"n":1}]}])";

class ExecutorTest : public testing::Test {
 protected:
  TestProject test_;
};

TEST_F(ExecutorTest, LoadsAnArrayAndCountsEveryRow) {
  test_.drop("a.json", three_sessions);
  const Receipt receipt = test_.run("load", "a.json");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_EQ(receipt.status, RunState::succeeded);
  EXPECT_EQ(receipt.rows.read, 3u);
  EXPECT_EQ(receipt.rows.inserted, 3u);
  EXPECT_THAT(
      test_.query("SELECT user_id, hit_count, date FROM hits ORDER BY visit_id"),
      ElementsAre("12|2|2017-07-01", "12345678901234567890|0|2017-07-01", "7|1|2017-07-02"));
}

TEST_F(ExecutorTest, RejectsWithEveryProblemAndLoadsTheRest) {
  test_.drop("a.json",
             "{\"userId\":\"1\",\"visitId\":1,\"date\":\"20170701\",\"hit\":[]}\n"
             "{\"userId\":\"x\",\"visitId\":2,\"date\":\"2017-07-01\",\"hit\":[]}\n"
             "{\"userId\":\"3\",\"visitId\":1.7,\"date\":\"20170701\",\"hit\":[]}\n"
             "not json\n"
             "{\"userId\":\"5\",\"visitId\":5,\"date\":\"20170701\",\"hit\":{}}\n"
             "{\"userId\":\"6\",\"date\":\"20170701\",\"hit\":[]}\n");
  const Receipt receipt = test_.run("load", "a.json");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_EQ(receipt.status, RunState::partial);
  EXPECT_EQ(receipt.rows.read, 6u);
  EXPECT_EQ(receipt.rows.inserted, 1u);
  EXPECT_EQ(receipt.rows.rejected, 5u);
  ASSERT_EQ(receipt.rejects.size(), 5u);
  EXPECT_EQ(receipt.rejects[0].line, 2u);
  EXPECT_EQ(receipt.rejects[0].problems[0].field, "date");
  EXPECT_EQ(receipt.rejects[0].problems[0].rule, "select");
  EXPECT_EQ(receipt.rejects[1].problems[0].field, "visitId");
  EXPECT_EQ(receipt.rejects[1].problems[0].rule, "bigint");
  EXPECT_EQ(receipt.rejects[1].problems[0].value, "1.7");
  EXPECT_EQ(receipt.rejects[2].problems[0].rule, "record");
  EXPECT_EQ(receipt.rejects[2].raw, "not json");
  EXPECT_EQ(receipt.rejects[3].problems[0].rule, "json[]");
  EXPECT_EQ(receipt.rejects[4].problems[0].rule, "required");
  EXPECT_THAT(
      test_.query("SELECT line, field, rule, value FROM weir_rejects ORDER BY line LIMIT 2"),
      ElementsAre("2|date|select|2017-07-01", "3|visitId|bigint|1.7"));
}

TEST_F(ExecutorTest, MergeUpdatesAndTheLastOfABatchWins) {
  test_.drop("a.json", three_sessions);
  test_.run("load", "a.json");
  test_.drop("b.json",
             R"([{"userId":"12","visitId":1,"date":"20170701","device":"tv","hit":[{"n":1}]},)"
             R"({"userId":"12","visitId":1,"date":"20170701","device":"tablet","hit":[{"n":1}]},)"
             R"({"userId":"7","visitId":3,"date":"20170702","hit":[{"n":9}]},)"
             R"({"userId":"8","visitId":4,"date":"20170702","hit":[]}])");
  const Receipt receipt = test_.run("load", "b.json");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_EQ(receipt.rows.read, 4u);
  EXPECT_EQ(receipt.rows.updated, 1u);
  EXPECT_EQ(receipt.rows.unchanged, 1u);
  EXPECT_EQ(receipt.rows.inserted, 1u);
  EXPECT_EQ(receipt.rows.deduplicated, 1u);
  EXPECT_THAT(test_.query("SELECT device, hit_count FROM hits WHERE visit_id = 1"),
              ElementsAre("tablet|1"));
}

TEST_F(ExecutorTest, SkipsOnlyTheLatestVersion) {
  test_.drop("a.json", three_sessions);
  EXPECT_EQ(test_.run("load", "a.json").status, RunState::succeeded);
  EXPECT_EQ(test_.run("load", "a.json").status, RunState::skipped);
  test_.drop("a.json", "[]");
  EXPECT_EQ(test_.run("load", "a.json").status, RunState::succeeded);
  test_.drop("a.json", three_sessions);
  const Receipt again = test_.run("load", "a.json");
  EXPECT_EQ(again.status, RunState::succeeded);
  EXPECT_EQ(again.rows.unchanged, 3u);
  EXPECT_THAT(test_.query("SELECT attempt FROM weir_loads ORDER BY load_id"),
              ElementsAre("1", "2", "3"));
}

TEST_F(ExecutorTest, ABatchGivesEveryInputItsOwnReceipt) {
  test_.drop("a.json", three_sessions);
  test_.drop("b.json",
             R"([{"userId":"1","visitId":11,"date":"20170701","hit":[]},{"userId":"q"}])");
  test_.drop("c.json", "{");
  const auto receipts = test_.run_all("load", {"a.json", "b.json", "c.json", "gone.json"});
  ASSERT_EQ(receipts.size(), 4u);
  EXPECT_EQ(receipts[0].rows.inserted, 3u);
  EXPECT_EQ(receipts[1].rows.inserted, 1u);
  EXPECT_EQ(receipts[1].rows.rejected, 1u);
  EXPECT_EQ(receipts[2].rows.rejected, 1u);
  ASSERT_TRUE(receipts[3].error);
  EXPECT_EQ(receipts[3].error->code, ErrorCode::not_found);
  EXPECT_THAT(test_.query("SELECT count(*) FROM weir_loads"), ElementsAre("3"));
}

TEST_F(ExecutorTest, TwoInputsThatShareAKeyAreMergedInOrder) {
  test_.drop("a.json", R"([{"userId":"1","visitId":1,"date":"20170701","device":"a","hit":[]}])");
  test_.drop("b.json", R"([{"userId":"1","visitId":1,"date":"20170701","device":"b","hit":[]}])");
  const auto receipts = test_.run_all("load", {"a.json", "b.json"});
  EXPECT_EQ(receipts[0].rows.inserted, 1u);
  EXPECT_EQ(receipts[1].rows.updated, 1u);
  EXPECT_THAT(test_.query("SELECT device FROM hits"), ElementsAre("b"));
}

TEST_F(ExecutorTest, SqlPipelineAggregatesInsideTheDatabase) {
  test_.drop("a.json", three_sessions);
  test_.run("load", "a.json");
  const Receipt receipt = test_.run("daily", "");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_EQ(receipt.rows.read, 2u);
  EXPECT_EQ(receipt.rows.inserted, 2u);
  EXPECT_THAT(test_.query("SELECT date, hits, users FROM daily_totals ORDER BY date"),
              ElementsAre("2017-07-01|2|2", "2017-07-02|1|1"));
  EXPECT_EQ(test_.run("daily", "").rows.unchanged, 2u);
}

TEST_F(ExecutorTest, WhereFiltersAndCounts) {
  test_.drop("a.json", three_sessions);
  const Receipt receipt = test_.run("mobile", "a.json");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_EQ(receipt.rows.filtered, 2u);
  EXPECT_EQ(receipt.rows.inserted, 1u);
}

TEST_F(ExecutorTest, AppendWithAKeyKeepsTheFirst) {
  test_.drop("a.csv", "id,name\n1,a\n2,b\n1,c\n");
  const Receipt first = test_.run("people", "a.csv");
  ASSERT_FALSE(first.error) << first.error->to_string();
  EXPECT_EQ(first.rows.inserted, 2u);
  EXPECT_EQ(first.rows.rejected, 1u);
  EXPECT_EQ(first.rejects[0].line, 4u);
  EXPECT_EQ(first.rejects[0].problems[0].rule, "key");
  test_.drop("b.csv", "name,id\nx,2\ny,3\n");
  const Receipt second = test_.run("people", "b.csv");
  EXPECT_EQ(second.rows.inserted, 1u);
  EXPECT_EQ(second.rows.rejected, 1u);
  EXPECT_THAT(test_.query("SELECT id, name FROM people ORDER BY id"),
              ElementsAre("1|a", "2|b", "3|y"));
}

TEST_F(ExecutorTest, StopAtRollsBackAndTellsWhichRows) {
  test_.drop("a.csv", "id,name\n1,a\nx,b\ny,c\nz,d\n");
  const Receipt receipt = test_.run("people", "a.csv");
  ASSERT_TRUE(receipt.error);
  EXPECT_EQ(receipt.error->code, ErrorCode::too_many_rejects);
  EXPECT_EQ(receipt.status, RunState::failed);
  EXPECT_EQ(receipt.rejects.size(), 3u);
  EXPECT_THAT(test_.query("SELECT count(*) FROM people"), ElementsAre("0"));
  EXPECT_THAT(test_.query("SELECT count(*) FROM weir_loads"), ElementsAre("0"));
}

TEST_F(ExecutorTest, ALongTextIsRejectedByTheContract) {
  test_.drop("a.csv", "id,name\n1,\"ünïcödé-ok\"\n2,this one is too long\n3,\n4,\"\"\n");
  const Receipt receipt = test_.run("people", "a.csv");
  EXPECT_EQ(receipt.rows.rejected, 1u);
  EXPECT_EQ(receipt.rejects.at(0).problems.at(0).rule, "varchar(10)");
  EXPECT_THAT(test_.query("SELECT id, name IS NULL, name FROM people ORDER BY id"),
              ElementsAre("1|false|ünïcödé-ok", "3|true|NULL", "4|false|"));
}

TEST_F(ExecutorTest, PlansFollowATableThatGrows) {
  // Many small batches: a plan kept from an empty table would pack keys too narrowly.
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> keys;
    for (int i = 0; i < 30; ++i) {
      const int id = round * 30 + i;
      keys.push_back(std::to_string(id) + ".json");
      test_.drop(keys.back(), R"([{"userId":"1","visitId":)" + std::to_string(id * 1000) +
                                  R"(,"date":"20170701","hit":[]}])");
    }
    for (const Receipt& receipt : test_.run_all("load", keys)) {
      ASSERT_FALSE(receipt.error) << receipt.error->to_string();
      EXPECT_EQ(receipt.rows.inserted, 1u);
    }
    test_.run("daily", "");
  }
  EXPECT_THAT(test_.query("SELECT count(*), count(DISTINCT visit_id) FROM hits"),
              ElementsAre("600|600"));
  EXPECT_THAT(test_.query("SELECT users, hits FROM daily_totals"), ElementsAre("1|0"));
}

}  // namespace
}  // namespace weir::pipeline
