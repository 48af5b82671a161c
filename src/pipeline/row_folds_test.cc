// Steps that make more rows of one, fewer of many, or reject by rules of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/row_steps_for_test.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RowFoldsTest : public RowStepsTest {};

TEST_F(RowFoldsTest, UnnestMakesOneRowPerElement) {
  const Receipt receipt = load({{"id", "bigint"}, {"hit", "json[]"}},
                               {unnest("hit"), select({{"id", "id"}, {"page", "hit ->> 'page'"}})},
                               {{"id", "bigint"}, {"page", "varchar"}},
                               R"({"id":1,"hit":[{"page":"a"},{"page":"b"},{"page":"c"}]}
{"id":2,"hit":[]}
{"id":3}
{"id":4,"hit":[{"page":"d"}]}
{"id":5,"hit":[null,{}]})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("1|a", "1|b", "1|c", "4|d", "5|NULL", "5|NULL"));
  EXPECT_EQ(receipt.rows.read, 5u);
  EXPECT_EQ(receipt.rows.expanded, 3u);
  EXPECT_EQ(receipt.rows.filtered, 2u);
  EXPECT_EQ(receipt.rows.inserted, 6u);
}

TEST_F(RowFoldsTest, AnEmptyListStaysWhenItIsToldTo) {
  const Receipt receipt =
      load({{"id", "bigint"}, {"l", "bigint[]"}}, {where("id < 9"), unnest("l", "n", true)},
           {{"id", "bigint"}, {"n", "bigint"}},
           R"({"id":1,"l":[7,8]}
{"id":2,"l":[]}
{"id":3}
{"id":9,"l":[1,2,3]})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("1|7", "1|8", "2|NULL", "3|NULL"));
  EXPECT_EQ(receipt.rows.expanded, 1u);
  EXPECT_EQ(receipt.rows.filtered, 1u);
}

TEST_F(RowFoldsTest, ARejectedElementSaysWhichRowItWas) {
  const Receipt receipt =
      load({{"id", "bigint"}, {"l", "varchar[]"}},
           {select({{"id", "10 // id"}, {"l", "l"}, {"b", "to_json({'x': id})"}}), unnest("l", "n"),
            select({{"id", "id"}, {"n", "CAST(n AS INTEGER)"}})},
           {{"id", "bigint"}, {"n", "integer"}},
           R"({"id":5,"l":["1","x","3","y"]}
{"id":0,"l":["1","2"]}
{"id":2,"l":["4"]})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("2|1", "2|3", "5|4", "NULL|1", "NULL|2"));
  EXPECT_EQ(receipt.rows.rejected, 2u);
  ASSERT_EQ(receipt.rejects.size(), 2u);
  EXPECT_EQ(receipt.rejects[0].line, 1u);
  EXPECT_EQ(receipt.rejects[0].problems[0].value, "x");
  EXPECT_EQ(receipt.rejects[0].produced, R"({"id":2,"n":"x","b":{"x":5}})");
  EXPECT_EQ(receipt.rejects[0].entry_step, 3);
  EXPECT_EQ(receipt.rejects[1].produced, R"({"id":2,"n":"y","b":{"x":5}})");
  EXPECT_EQ(receipt.rejects[1].raw, receipt.rejects[0].raw);
}

TEST_F(RowFoldsTest, ARecordThatFailsBeforeTheUnnestIsOneReject) {
  const Receipt receipt =
      load({{"a", "varchar"}, {"l", "bigint[]"}},
           {select({{"a", "CAST(a AS BIGINT)"}, {"l", "l"}}), unnest("l"), where("l > 1")},
           {{"a", "bigint"}, {"l", "bigint"}},
           R"({"a":"q","l":[1,2,3]}
{"a":"w","l":[]}
{"a":"7","l":[1,2,3]})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("7|2", "7|3"));
  EXPECT_EQ(receipt.rows.rejected, 2u);
  EXPECT_EQ(receipt.rows.filtered, 1u);
  EXPECT_EQ(receipt.rows.expanded, 2u);
  EXPECT_EQ(receipt.rejects[0].produced, "");
}

TEST_F(RowFoldsTest, ListsOfListsAreUnnestedOneAfterTheOther) {
  for (const std::string name : {"l", "m"}) {
    const Receipt receipt = load(
        {{"l", "bigint[][]"}}, {unnest("l", name), unnest(name), check({{"small", name + " < 9"}})},
        {{name, "bigint"}}, R"({"l":[[1,2],[3],[],[9,4]]}
{"l":[[5]]}
{"l":[[]]})");
    ASSERT_FALSE(receipt.error) << receipt.error->to_string();
    EXPECT_THAT(rows_, ElementsAre("1", "2", "3", "4", "5"));
    // 3 records are 6 lists are 6 numbers and 2 empty lists.
    EXPECT_EQ(receipt.rows.expanded, 5u);
    EXPECT_EQ(receipt.rows.filtered, 2u);
    ASSERT_EQ(receipt.rows.rejected, 1u);
    EXPECT_EQ(receipt.rejects[0].problems[0].rule, "small");
    EXPECT_EQ(receipt.rejects[0].produced, "{\"" + name + "\":9}");
    EXPECT_EQ(receipt.rejects[0].entry_step, 3);
  }
}

TEST_F(RowFoldsTest, AnyListAndAnyNameWillDo) {
  const Receipt receipt = load(
      {{"a \"b\"", "bigint"}, {"Größe", "varchar"}},
      {select({{"a \"b\"", "\"a \"\"b\"\"\""},
               {"it's", "[{'x': Größe, 'y': 1}, NULL]"},
               {"three", "array_value(1, 2, 3)"}}),
       unnest("IT'S", "select"), unnest("three"), dedupe({"a \"b\"", "select"}, DedupeKeep::last),
       check({{"no q", "COALESCE(\"select\".x, '') <> 'q'"}}),
       aggregate({"a \"b\""}, {{"order", "count(\"select\")"}, {"last", "max(three)"}})},
      {{"a \"b\"", "bigint"}, {"order", "bigint"}, {"last", "integer"}},
      R"({"a \"b\"":1,"Größe":"p"}{"a \"b\"":2,"Größe":"q"})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("1|1|3", "2|0|3"));
  EXPECT_EQ(receipt.rows.expanded, 10u);
  EXPECT_EQ(receipt.rows.rejected, 3u);
  EXPECT_EQ(receipt.rows.deduplicated, 6u);
  EXPECT_EQ(receipt.rejects.at(0).produced, R"({"a \"b\"":2,"select":{"x":"q","y":1},"three":1})");
}

TEST_F(RowFoldsTest, DedupeKeepsOneRowPerKey) {
  const std::string json = R"({"k":"a","t":3,"n":1}
{"k":"b","t":1,"n":2}
{"k":"a","t":9,"n":3}
{"t":4,"n":4}
{"k":"a","t":9,"n":5}
{"t":4,"n":6}
{"k":"b","n":7}
{"k":"a","t":3,"n":8})";
  const std::pair<DedupeStep, std::vector<std::string>> cases[] = {
      {dedupe({"k"}, DedupeKeep::first), {"1", "2", "4"}},
      {dedupe({"k"}, DedupeKeep::last), {"6", "7", "8"}},
      {dedupe({"k"}, DedupeKeep::newest, "t"), {"2", "5", "6"}},
      {dedupe({"k"}, DedupeKeep::oldest, "t"), {"1", "2", "4"}},
      {dedupe({"k"}, DedupeKeep::newest, "CAST(t AS VARCHAR)"), {"2", "5", "6"}},
      {dedupe({"k"}, DedupeKeep::oldest, "CAST(t AS VARCHAR)"), {"1", "2", "4"}},
      {dedupe({"k", "t"}, DedupeKeep::last), {"2", "5", "6", "7", "8"}}};
  for (const auto& [step, expected] : cases) {
    const Receipt receipt = load({{"k", "varchar"}, {"t", "bigint"}, {"n", "bigint"}},
                                 {step, select({{"n", "n"}})}, {{"n", "bigint"}}, json);
    ASSERT_FALSE(receipt.error) << receipt.error->to_string();
    EXPECT_EQ(rows_, expected) << static_cast<int>(step.keep) << step.order_by.text;
    EXPECT_EQ(receipt.rows.deduplicated, 8 - expected.size());
  }
}

TEST_F(RowFoldsTest, OnlyGoodRowsTakePartInAFold) {
  const Receipt receipt =
      load({{"k", "bigint"}, {"a", "varchar"}},
           {check({{"no minus", "NOT starts_with(a, '-')"}}), where("a <> 'skip'"),
            dedupe({"k"}, DedupeKeep::newest, "CAST(a AS INTEGER)")},
           {{"k", "bigint"}, {"a", "varchar"}},
           R"({"k":1,"a":"5"}
{"k":1,"a":"-9"}
{"k":1,"a":"skip"}
{"k":1,"a":"x"}
{"k":1,"a":"7"}
{"k":1,"a":"6"})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("1|7"));
  EXPECT_EQ(receipt.rows.deduplicated, 2u);
  EXPECT_EQ(receipt.rows.filtered, 1u);
  ASSERT_EQ(receipt.rejects.size(), 2u);
  EXPECT_EQ(receipt.rejects[0].problems[0].rule, "no minus");
  EXPECT_EQ(receipt.rejects[0].problems[0].value, "-9");
  EXPECT_EQ(receipt.rejects[1].problems[0].rule, "dedupe");
  EXPECT_EQ(receipt.rejects[1].produced, "");
}

TEST_F(RowFoldsTest, WhatIsRejectedLaterTakesNobodysPlaceInADedupe) {
  const Receipt receipt =
      load({{"k", "bigint"}, {"a", "varchar"}},
           {dedupe({"k"}, DedupeKeep::last), where("a <> '0'"),
            select({{"n", "CAST(a AS INTEGER)"}}), check({{"small", "n < 100"}})},
           {{"n", "tinyint"}},
           R"({"k":1,"a":"5"}
{"k":1,"a":"x"}
{"k":1,"a":"300"}
{"k":2,"a":"7"}
{"k":2,"a":"0"}
{"k":3,"a":"-500"}
{"k":3,"a":"8"}
{"k":3,"a":"9"}
{"k":4,"a":"-999"})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("5", "9"));
  EXPECT_EQ(receipt.rows.rejected, 4u);      // x, 300, -500, -999
  EXPECT_EQ(receipt.rows.deduplicated, 2u);  // 7 and 8
  EXPECT_EQ(receipt.rows.filtered, 1u);      // 0 wins its place and is filtered then
}

TEST_F(RowFoldsTest, DedupesFollowOneAnother) {
  const Receipt receipt =
      load({{"a", "bigint"}, {"b", "bigint"}, {"n", "bigint"}},
           {dedupe({"a"}, DedupeKeep::last), where("n <> 3"), dedupe({"b"}, DedupeKeep::first),
            where("n <> 6"), select({{"n", "[n]"}}), unnest("n"),
            aggregate({"n"}, {{"rows", "count(*)"}})},
           {{"n", "bigint"}, {"rows", "bigint"}},
           R"({"a":1,"b":1,"n":1}
{"a":1,"b":1,"n":2}
{"a":2,"b":1,"n":3}
{"a":3,"b":1,"n":4}
{"a":4,"b":2,"n":6}
{"a":5,"b":3,"n":7}
{"a":6,"b":3,"n":8})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  // 1 gives way to 2; 3 is filtered; 4 and 8 give way to 2 and 7; 6 is filtered.
  EXPECT_THAT(rows_, ElementsAre("2|1", "7|1"));
  EXPECT_EQ(receipt.rows.deduplicated, 3u);
  EXPECT_EQ(receipt.rows.filtered, 2u);
}

TEST_F(RowFoldsTest, AggregateMakesOneRowPerGroup) {
  const Receipt receipt =
      load({{"city", "varchar"}, {"n", "integer"}, {"seen", "timestamp"}},
           {aggregate({"city"}, {{"rows", "count(*)"},
                                 {"total", "sum(n)"},
                                 {"share", "sum(n) / count(n)"},
                                 {"first_n", "first(n)"},
                                 {"all_n", "string_agg(n, '+')"},
                                 {"distinct_n", "string_agg(DISTINCT n, '+')"},
                                 {"big", "count(*) FILTER (n > 1)"},
                                 {"day", "max(seen)::DATE"},
                                 {"loud", "upper(city)"},
                                 {"run", "count(*) FILTER (${run.day} > '1970-01-01'::DATE)"},
                                 {"fixed", "'x'"}})},
           {{"city", "varchar"},
            {"rows", "bigint"},
            {"total", "bigint"},
            {"share", "double"},
            {"first_n", "integer"},
            {"all_n", "varchar"},
            {"distinct_n", "varchar"},
            {"big", "bigint"},
            {"day", "date"},
            {"loud", "varchar"},
            {"run", "bigint"},
            {"fixed", "varchar"}},
           R"({"city":"b","n":3,"seen":"2020-01-01 10:00"}
{"city":"a","n":1}
{"n":7}
{"city":"b","n":1}
{"city":"b","n":3}
{"n":null,"seen":"2020-02-02T00:00:01"})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("a|1|1|1.0|1|1|1|0|NULL|A|1|x",
                                 "b|3|7|2.3333333333333335|3|3+1+3|1+3|2|2020-01-01|B|3|x",
                                 "NULL|2|7|7.0|7|7|7|1|2020-02-02|NULL|2|x"));
  EXPECT_EQ(receipt.rows.folded, 3u);
  EXPECT_EQ(receipt.rows.inserted, 3u);
}

TEST_F(RowFoldsTest, WhatFailsOnARowRejectsItAndWhatFailsOnAGroupRejectsThat) {
  const Receipt receipt =
      load({{"k", "varchar"}, {"a", "varchar"}},
           {aggregate({"k"}, {{"total", "sum(CAST(a AS INTEGER))"},
                              {"small", "CAST(sum(CAST(a AS INTEGER)) AS TINYINT)"}}),
            check({{"not five", "total <> 5"}})},
           {{"k", "varchar"}, {"total", "bigint"}, {"small", "tinyint"}},
           R"({"k":"a","a":"1"}
{"k":"a","a":"one"}
{"k":"b","a":"100"}
{"k":"b","a":"100"}
{"k":"c","a":"5"}
{"k":"d","a":"two"})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("a|1|1"));
  EXPECT_EQ(receipt.rows.folded, 1u);
  ASSERT_EQ(receipt.rows.rejected, 4u);
  const auto& rejects = receipt.rejects;
  EXPECT_EQ(rejects[0].line, 2u);
  EXPECT_EQ(rejects[0].problems.size(), 2u);
  EXPECT_EQ(rejects[0].problems[0].field, "total");
  EXPECT_EQ(rejects[0].problems[0].value, "one");
  EXPECT_EQ(rejects[0].produced, "");
  EXPECT_EQ(rejects[1].line, 3u);  // a group is called by its first row
  EXPECT_EQ(rejects[1].problems[0].field, "small");
  EXPECT_EQ(rejects[1].problems[0].value, "b");
  EXPECT_EQ(rejects[1].produced, R"({"k":"b","total":200,"small":null})");
  EXPECT_EQ(rejects[1].entry_step, 2);
  EXPECT_EQ(rejects[2].problems[0].rule, "not five");
  EXPECT_EQ(rejects[3].line, 6u);
}

TEST_F(RowFoldsTest, AnAggregateOfNothingIsNothing) {
  const Receipt receipt =
      load({{"a", "bigint"}}, {aggregate({}, {{"n", "count(*)"}})}, {{"n", "bigint"}}, "");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, IsEmpty());
  const Receipt all = load({{"a", "bigint"}}, {aggregate({}, {{"n", "count(*)"}})},
                           {{"n", "bigint"}}, "{\"a\":1}\n{\"a\":2}");
  EXPECT_THAT(rows_, ElementsAre("2"));
  EXPECT_EQ(all.rows.folded, 1u);
}

TEST_F(RowFoldsTest, AnAggregateThatFailsAsAWholeNamesItsStep) {
  const Receipt receipt =
      load({{"a", "decimal(38,0)"}}, {aggregate({}, {{"n", "sum(a)"}})}, {{"n", "varchar"}},
           "{\"a\":99999999999999999999999999999999999999}\n{\"a\":"
           "99999999999999999999999999999999999999}");
  ASSERT_TRUE(receipt.error);
  EXPECT_THAT(receipt.error->message, HasSubstr("the aggregate step fails: "));
  EXPECT_THAT(test_.query("SELECT count(*) FROM weir_loads"), ElementsAre("0"));
}

TEST_F(RowFoldsTest, AnExpressionThatCannotBeTakenApartIsUsedAsAWhole) {
  // A number that weir's own JSON does not hold, and a macro that has aggregates inside.
  const Receipt receipt =
      load({{"k", "bigint"}, {"a", "double"}},
           {aggregate({"k"}, {{"big", "count(*) FILTER (k < 99999999999999999999)"},
                              {"mean", "weighted_avg(a, k)"}})},
           {{"k", "bigint"}, {"big", "bigint"}, {"mean", "double"}},
           "{\"k\":1,\"a\":2}{\"k\":1,\"a\":4}");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("1|2|3.0"));
}

TEST_F(RowFoldsTest, TooManyRejectsStopAFoldToo) {
  make_pipeline("strict", {{"k", "bigint"}, {"a", "varchar"}},
                {check({{"digits", "a ~ '[0-9]+'"}}), dedupe({"k"}, DedupeKeep::last)},
                {{"k", "bigint"}, {"a", "varchar"}});
  test_.project.tables.back().stop_at.rejected = 1;
  test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
  test_.drop("s.json", R"({"k":1,"a":"5"}{"k":1,"a":"x"}{"k":2,"a":"y"}{"k":3,"a":"z"})");
  const Receipt receipt = test_.run("strict", "s.json");
  ASSERT_TRUE(receipt.error);
  EXPECT_EQ(receipt.error->code, ErrorCode::too_many_rejects);
  EXPECT_EQ(receipt.rejects.size(), 3u);
  EXPECT_THAT(test_.query("SELECT count(*) FROM strict"), ElementsAre("0"));
  EXPECT_THAT(test_.query("SELECT rolled_back, count(*) FROM weir_rejects GROUP BY ALL"),
              ElementsAre("true|3"));
}

TEST_F(RowFoldsTest, EachInputOfABatchIsFoldedByItself) {
  make_pipeline(
      "shared", {{"k", "bigint"}, {"l", "bigint[]"}},
      {unnest("l", "n"), dedupe({"k", "n"}, DedupeKeep::last), aggregate({"k"}, {{"n", "sum(n)"}})},
      {{"k", "bigint"}, {"n", "bigint"}});
  test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
  test_.drop("1.json", R"({"k":1,"l":[1,2,2]}{"k":1,"l":[1]}{"k":2,"l":[]})");
  test_.drop("2.json", R"({"k":1,"l":[5,6]}{"k":2,"l":[7]}{"k":"x"})");
  test_.drop("3.json", "");
  const auto receipts = test_.run_all("shared", {"1.json", "2.json", "3.json"});
  for (const Receipt& receipt : receipts) {
    ASSERT_FALSE(receipt.error) << receipt.error->to_string();
    EXPECT_TRUE(receipt.rows.balances());
  }
  EXPECT_EQ(receipts[0].rows.expanded, 2u);
  EXPECT_EQ(receipts[0].rows.deduplicated, 2u);
  EXPECT_EQ(receipts[0].rows.folded, 1u);
  EXPECT_EQ(receipts[0].rows.filtered, 1u);
  EXPECT_EQ(receipts[1].rows.expanded, 1u);
  EXPECT_EQ(receipts[1].rows.folded, 1u);
  EXPECT_EQ(receipts[1].rows.rejected, 1u);
  EXPECT_EQ(receipts[2].rows.read, 0u);
  EXPECT_THAT(test_.query("SELECT * FROM shared ORDER BY ALL"), ElementsAre("1|3", "1|11", "2|7"));
}

TEST_F(RowFoldsTest, ARowThatTheTableRejectsIsShownAsItWas) {
  make_pipeline("keyed", {{"k", "bigint"}, {"l", "varchar[]"}},
                {unnest("l", "n"), select({{"id", "k * 10 + len(n)"}, {"n", "n"}})},
                {{"id", "bigint"}, {"n", "varchar"}});
  test_.project.tables.back().key = {"id"};
  test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
  test_.drop("k.json", R"({"k":1,"l":["a","bb","c"]}{"k":2,"l":["d"]})");
  const Receipt receipt = test_.run("keyed", "k.json");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(test_.query("SELECT * FROM keyed ORDER BY ALL"),
              ElementsAre("11|a", "12|bb", "21|d"));
  ASSERT_EQ(receipt.rejects.size(), 1u);
  EXPECT_EQ(receipt.rejects[0].problems[0].rule, "key");
  EXPECT_EQ(receipt.rejects[0].produced, R"({"id":11,"n":"c"})");
  EXPECT_EQ(receipt.rejects[0].entry_step, 3);  // the load
}

TEST_F(RowFoldsTest, RowsOfAQueryTakeTheSameSteps) {
  make_pipeline("cubes", {}, {unnest("l", "n"), dedupe({"n"}, DedupeKeep::first)},
                {{"id", "bigint"}, {"n", "bigint"}});
  auto& pipeline = test_.project.pipelines.back();
  pipeline.steps[0] = SqlStep{{"SELECT i AS id, range(i) AS l FROM range(4) t(i)", {}, true},
                              std::nullopt,
                              DatabaseName("warehouse"),
                              {}};
  test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
  const Receipt receipt = test_.run("cubes", "");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_EQ(receipt.rows.read, 4u);
  EXPECT_EQ(receipt.rows.expanded, 3u);
  EXPECT_EQ(receipt.rows.filtered, 1u);
  EXPECT_EQ(receipt.rows.deduplicated, 3u);
  EXPECT_THAT(test_.query("SELECT * FROM cubes ORDER BY ALL"), ElementsAre("1|0", "2|1", "3|2"));
}

}  // namespace
}  // namespace weir::pipeline
