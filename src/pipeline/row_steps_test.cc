// Row steps from the project to the rows: what SQL a user may write, and what becomes of each row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/row_steps_for_test.h"
#include "pipeline/run_variables.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(RowStepsTest, SelectsFollowOneAnother) {
  const Receipt receipt =
      load({{"a", "bigint"}, {"b", "varchar"}},
           {select({{"a", "a + 1"}, {"c", "b"}}), where("a > 2"),
            select({{"d", "a * 10"}, {"c", "upper(c)"}}), where("c <> 'Z'"),
            select({{"e", "d + 1"}, {"c", "c"}})},
           {{"e", "bigint"}, {"c", "varchar"}},
           "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n{\"a\":3,\"b\":\"z\"}\n{\"a\":9}\n");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_EQ(receipt.rows.filtered, 3u);  // 1 by the first; z and NULL by the second
  EXPECT_THAT(rows_, ElementsAre("31|Y"));
}

TEST_F(RowStepsTest, NamesAreSwappedInOneStep) {
  const Receipt receipt =
      load({{"a", "varchar"}, {"b", "varchar"}},
           {select({{"a", "b"}, {"b", "a"}}), select({{"b", "a || '!'"}, {"a", "b"}})},
           {{"a", "varchar"}, {"b", "varchar"}}, "{\"a\":\"1\",\"b\":\"2\"}");
  ASSERT_FALSE(receipt.error);
  EXPECT_THAT(rows_, ElementsAre("1|2!"));
}

TEST_F(RowStepsTest, AnyNameCanBeAColumn) {
  const Receipt receipt =
      load({{"order", "bigint"},
            {"a \"b\"", "varchar"},
            {"größe", "bigint"},
            {"UPPER", "bigint"},
            {"v", "bigint"},
            {"select", "varchar"}},
           {select({{"group", "order"},
                    {"from", "a \"b\""},
                    {"größe", "größe"},
                    {"Mixed", "UPPER + 1"},
                    {"v", "v"},
                    {"table", "\"select\" || v"}}),
            where("\"group\" > 0 AND \"from\" <> '' AND größe < 5")},
           {{"group", "bigint"},
            {"from", "varchar(3)"},
            {"größe", "integer"},
            {"mixed", "bigint"},
            {"v", "bigint"},
            {"table", "varchar"}},
           R"({"order":1,"a \"b\"":"x","größe":3,"UPPER":4,"v":7,"select":"s"})");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("1|x|3|5|7|s7"));
}

TEST_F(RowStepsTest, AFailingRowIsRejectedByTheStepThatFails) {
  const Receipt receipt = load({{"a", "varchar"}, {"b", "bigint"}},
                               {select({{"x", "CAST(a AS BIGINT)"}, {"b", "b"}}),
                                where("100 // b > 1 AND CAST(x || '' AS TINYINT) > 0"),
                                select({{"x", "CAST(x + 120 AS TINYINT)"}})},
                               {{"x", "bigint"}},
                               "{\"a\":\"1\",\"b\":1}\n{\"a\":\"q\",\"b\":1}\n{\"a\":\"300\",\"b\":"
                               "1}\n{\"a\":\"50\",\"b\":1}\n"
                               "{\"a\":null,\"b\":1}\n{\"b\":99,\"a\":\"1\"}\n");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_THAT(rows_, ElementsAre("121"));
  EXPECT_EQ(receipt.rows.filtered, 2u);
  ASSERT_EQ(receipt.rejects.size(), 3u);
  EXPECT_EQ(receipt.rejects[0].problems[0].field, "x");
  EXPECT_EQ(receipt.rejects[0].problems[0].value, "q");
  EXPECT_EQ(receipt.rejects[1].problems[0].rule, "where");
  EXPECT_EQ(receipt.rejects[1].line, 3u);
  EXPECT_EQ(receipt.rejects[2].problems[0].rule, "select");
  EXPECT_THAT(receipt.rejects[2].problems[0].message, HasSubstr("'50' makes the expression"));
}

TEST_F(RowStepsTest, AConstantPredicateFiltersEveryRow) {
  for (const char* predicate : {"FALSE", "1 = 2", "NULL::BOOLEAN", "a IS NULL"}) {
    const Receipt receipt =
        load({{"a", "bigint"}}, {where(predicate)}, {{"a", "bigint"}}, "{\"a\":1}\n{\"a\":2}");
    ASSERT_FALSE(receipt.error) << predicate << receipt.error->to_string();
    EXPECT_EQ(receipt.rows.read, 2u) << predicate;
    EXPECT_EQ(receipt.rows.filtered, 2u) << predicate;
    EXPECT_THAT(rows_, IsEmpty()) << predicate;
  }
}

TEST_F(RowStepsTest, ExpressionsThatAreNotOneValueOfOneRowAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"sum(a)", "an aggregate folds rows"},
      {"count(*)", "an aggregate folds rows"},
      {"row_number() OVER ()", "a window function looks at other rows"},
      {"lag(a) OVER (ORDER BY a)", "a window function looks at other rows"},
      {"unnest(l)", "one value for one row"},
      {"COLUMNS(*)", "not one expression"},
      {"a; DELETE FROM hits", "a semicolon ends a statement"},
      {"a) FROM hits; DELETE FROM hits; SELECT (1", "closed that was never opened"},
      {"a), (b", "closed that was never opened"},
      {"(a", "a bracket is never closed"},
      {"a)", "closed that was never opened"},
      {"a AS y", "syntax error"},
      {"a FROM hits", "syntax error"},
      {"'unterminated", "unterminated"},
      {"a /* comment", "unterminated"},
      {"", "syntax error"},
      {"b || '${run.day}'", "a run variable stands in quotes"},
      {"b || \"${run.day}\"", "a run variable stands in quotes"},
      {"nope(a)", "nope"}};
  for (const auto& [expression, message] : cases) {
    const auto found = findings(expression);
    ASSERT_EQ(found.size(), 1u) << expression;
    EXPECT_EQ(found[0].severity, config::Severity::error);
    EXPECT_THAT(found[0].message + found[0].fix, HasSubstr(message)) << expression;
  }
  EXPECT_THAT(test_.query("SELECT count(*) FROM hits"), ElementsAre("0"));
}

TEST_F(RowStepsTest, ExpressionsWithOddTextAreFine) {
  for (const char* expression :
       {"b || ';'", "b || ')' || '('", "a -- the end", "a /* ) ; */ + 1", "\n a\n + 1\n",
        "$$);$$ || b", "CASE WHEN a > 1 THEN 'it''s' ELSE b END", "(SELECT max(user_id) FROM hits)",
        "random()", "list_transform(l, x -> x + 1)", "len(l)", "E'\\')'", "${run.day} + 1",
        "b || '{}'", "[y * 2 for y in l]", "{'a': a}", "a IN (SELECT visit_id FROM hits)"}) {
    EXPECT_THAT(findings(expression), IsEmpty()) << expression;
  }
}

TEST_F(RowStepsTest, PositionsAreThoseOfTheTextAsItWasWritten) {
  EXPECT_EQ(findings("${run.day} < nope").at(0).location.column, 14);
  EXPECT_EQ(findings("nope < ${run.day}").at(0).location.column, 1);
  EXPECT_EQ(findings("${run.day} <> ${run.scheduled_for} OR nope").at(0).location.column, 39);
  EXPECT_EQ(offset_before_stand_in("a < ${run.day}", 2), 2);
  EXPECT_EQ(offset_before_stand_in("a < ${run.day}", 20), 4);
}

TEST_F(RowStepsTest, VolatileExpressionsAndSubqueriesWork) {
  const Receipt receipt =
      load({{"a", "bigint"}},
           {select({{"r", "random()"},
                    {"again", "a + (SELECT count(*) FROM people)"},
                    {"known", "a IN (SELECT id FROM people)"}}),
            where("r < 2")},
           {{"r", "double"}, {"again", "bigint"}, {"known", "boolean"}}, "{\"a\":1}\n{\"a\":2}\n");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_EQ(rows_.size(), 2u);
}

TEST_F(RowStepsTest, RulesMayLookIntoTables) {
  Table& people = test_.project.tables[2];
  people.stop_at.rejected.reset();
  people.columns[0].rules.push_back({RuleKind::check,
                                     "known",
                                     "id IN (SELECT date_part('day', date) FROM daily_totals)",
                                     "",
                                     "",
                                     {}});
  people.columns[0].rules.push_back({RuleKind::check, "odd", "id % 2 = 1", "", "", {}});
  test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
  const auto connection = *test_.database().connect();
  test_.drop("a.csv", "id,name\n1,a\n2,b\n3,c\n");
  const Receipt none = test_.run("people", "a.csv");
  ASSERT_FALSE(none.error) << none.error->to_string();
  EXPECT_EQ(none.rows.rejected, 3u);
  EXPECT_EQ(none.rejects[1].problems.size(), 2u);
  ASSERT_TRUE(connection->run(
      "INSERT INTO daily_totals VALUES ('2017-07-01', 1, 1), ('2017-07-02', 1, 1)"));
  test_.drop("b.csv", "id,name\n1,a\n2,b\n3,c\n\n");
  EXPECT_EQ(test_.run("people", "b.csv").rows.inserted, 1u);
}

TEST_F(RowStepsTest, RulesThatLookAtOtherRowsAreRefused) {
  Table& people = test_.project.tables[2];
  for (const char* predicate :
       {"count(*) > 1", "row_number() OVER () > 1", "id > 1; DELETE FROM people", "(id > 1"}) {
    people.columns[0].rules = {{RuleKind::check, predicate, predicate, "", "", {"w", 7, 1}}};
    const auto found = make_sql_checker()->check_table(test_.project, people);
    ASSERT_EQ(found.size(), 1u) << predicate;
    EXPECT_EQ(found[0].location.line, 7);
  }
}

TEST_F(RowStepsTest, NamesOfWeirsOwnAreRefused) {
  const auto error_of = [&](const Items& read, const std::vector<Step>& steps,
                            const Items& columns) {
    const Receipt receipt = load(read, steps, columns, "{}");
    return receipt.error ? receipt.error->message : "none";
  };
  EXPECT_THAT(error_of({{"weir_row", "bigint"}}, {}, {{"a", "bigint"}}),
              HasSubstr("begins with weir_"));
  EXPECT_THAT(error_of({{"WEIR_ROW", "bigint"}}, {}, {{"a", "bigint"}}),
              HasSubstr("begins with weir_"));
  EXPECT_THAT(error_of({{"a", "bigint"}}, {select({{"weir_e1", "a"}})}, {{"a", "bigint"}}),
              HasSubstr("begins with weir_"));
  EXPECT_THAT(error_of({{"a", "bigint"}}, {}, {{"a", "bigint"}, {"weir_row", "bigint"}}),
              HasSubstr("begins with weir_"));
  EXPECT_THAT(error_of({{"a", "bigint"}, {"A", "bigint"}}, {}, {{"a", "bigint"}}),
              HasSubstr("upper and lower case"));
  EXPECT_THAT(
      error_of({{"a", "bigint"}}, {select({{"x", "a"}, {"X", "a + 1"}})}, {{"x", "bigint"}}),
      HasSubstr("upper and lower case"));
}

TEST_F(RowStepsTest, AListIsWholeHoweverItIsNamed) {
  const Items read = {{"hit", "bigint[]"}};
  const std::string json = "{\"hit\":[7,8]}";
  for (const char* expression :
       {"hit", "HIT", "\"hit\"", "hit[1:2]", "CAST(hit AS VARCHAR)", "list_concat(hit, [])",
        "COLUMNS('h.*')", "[x for x in hit]", "unnamed_subquery.hit",
        "list_filter(hit, x -> x > 0)", "(SELECT hit)", "CASE WHEN len(hit) = 2 THEN hit END"}) {
    load(read, {select({{"x", expression}})}, {{"x", "varchar"}}, json);
    EXPECT_THAT(rows_, ElementsAre("[7, 8]")) << expression;
  }
  load(read, {select({{"x", "CAST(unnamed_subquery AS VARCHAR)"}})}, {{"x", "varchar"}}, json);
  EXPECT_THAT(rows_.at(0), HasSubstr("[7, 8]"));
  const Receipt receipt = load(read, {select({{"x", "CAST(repeat('x', len(hit)) AS BIGINT)"}})},
                               {{"x", "bigint"}}, json);
  EXPECT_EQ(receipt.rejects.at(0).problems.at(0).value, "2 elements");
}

TEST_F(RowStepsTest, ASourceColumnIsFoundAsSqlFindsIt) {
  load({{"City", "varchar"}}, {}, {{"city", "varchar"}}, "{\"City\":\"x\"}");
  EXPECT_THAT(rows_, ElementsAre("x"));
}

TEST_F(RowStepsTest, ASqlStepMayNotGiveWeirsOwnColumns) {
  auto& daily = test_.project.pipelines[2];
  for (const char* sql :
       {"SELECT 1 AS weir_row", "SELECT 1 AS \"WEIR_x\"", "SELECT 1 AS a; SELECT 2 AS b"}) {
    std::get<SqlStep>(daily.steps[0]).sql.text = sql;
    EXPECT_THAT(make_sql_checker()->check_pipeline(test_.project, daily), testing::SizeIs(1))
        << sql;
    test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
    EXPECT_TRUE(test_.run("daily", "").error) << sql;
  }
}

TEST_F(RowStepsTest, EachRunHasItsOwnDayAlsoInABatch) {
  make_pipeline("days", {{"a", "bigint"}},
                {select({{"day", "${run.day}"}, {"at", "${run.scheduled_for}"}})},
                {{"day", "date"}, {"at", "timestamptz"}});
  test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
  std::vector<weir::Run> runs;
  for (int i = 0; i < 3; ++i) {
    const std::string key = "day" + std::to_string(i) + ".json";
    test_.drop(key, "{\"a\":" + std::to_string(i) + "}");
    runs.push_back(test_.make_run("days", key));
    runs.back().scheduled_for = Timestamp(std::chrono::hours(24 * (i + 1) + 1));
  }
  Progress progress;
  for (const RunOutcome& outcome : test_.executor->execute(runs, progress)) {
    EXPECT_FALSE(outcome.receipt.error) << outcome.receipt.error->to_string();
  }
  EXPECT_THAT(test_.query("SELECT * FROM days ORDER BY ALL"),
              ElementsAre("1970-01-01|1970-01-02 01:00:00+00", "1970-01-02|1970-01-03 01:00:00+00",
                          "1970-01-03|1970-01-04 01:00:00+00"));
}

}  // namespace
}  // namespace weir::pipeline
