#include "pipeline/sql_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/test_project.h"

namespace weir::pipeline {
namespace {

using testing::HasSubstr;

class SqlCheckerTest : public testing::Test {
 protected:
  /// The findings for the pipeline "load" with one expression replaced.
  std::vector<config::Diagnostic> with_expression(const std::string& column,
                                                  const std::string& expression) {
    Pipeline& pipeline = test_.project.pipelines[0];
    for (SelectItem& item : std::get<SelectStep>(pipeline.steps[1]).items) {
      if (item.name == column) item.expression = {expression, {"weir.yaml", 30, 20}, true};
    }
    return make_sql_checker()->check_pipeline(test_.project, pipeline);
  }
  TestProject test_;
};

TEST_F(SqlCheckerTest, FindsNothingInAGoodProject) {
  const auto checker = make_sql_checker();
  for (const Pipeline& pipeline : test_.project.pipelines) {
    for (const auto& finding : checker->check_pipeline(test_.project, pipeline)) {
      ADD_FAILURE() << pipeline.name.value() << ": " << finding.to_string();
    }
  }
  for (const Table& table : test_.project.tables) {
    EXPECT_TRUE(checker->check_table(test_.project, table).empty());
  }
}

TEST_F(SqlCheckerTest, PointsAtTheWordInsideTheExpression) {
  const auto findings = with_expression("device", "upper(devize)");
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_THAT(findings[0].message, HasSubstr("devize"));
  EXPECT_EQ(findings[0].location, (Location{"weir.yaml", 30, 26}));
  EXPECT_THAT(findings[0].fix, HasSubstr("device"));
}

TEST_F(SqlCheckerTest, TellsTypesThatNeverMeet) {
  EXPECT_THAT(with_expression("hit_count", "hit").at(0).message, HasSubstr("hit_count"));
}

TEST_F(SqlCheckerTest, RefusesAnAggregateInARowStep) {
  EXPECT_THAT(with_expression("hit_count", "sum(visitId)").at(0).message, HasSubstr("aggregate"));
}

TEST_F(SqlCheckerTest, RefusesToDropAnOffset) {
  const auto findings = with_expression("date", "CAST('2017-01-01T00:00:00Z' AS TIMESTAMPTZ)");
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_THAT(findings[0].message, HasSubstr("offset"));
}

TEST_F(SqlCheckerTest, ReportsSyntaxErrorsAndGoesOn) {
  with_expression("device", "upper(");
  const auto findings = with_expression("hit_count", "len(hitt)");
  ASSERT_EQ(findings.size(), 2u);
}

TEST_F(SqlCheckerTest, ChecksSqlStepsAgainstTheDictionary) {
  Pipeline& daily = test_.project.pipelines[2];
  std::get<SqlStep>(daily.steps[0]).sql = {"SELECT day FROM hits", {"weir.yaml", 50, 10}, true};
  const auto findings = make_sql_checker()->check_pipeline(test_.project, daily);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_THAT(findings[0].message, HasSubstr("day"));
  EXPECT_EQ(findings[0].location.column, 17);
}

TEST_F(SqlCheckerTest, ChecksRulePredicates) {
  Table& table = test_.project.tables[0];
  table.columns[0].rules.push_back(
      {RuleKind::check, "nope > 1", "nope > 1", "", "", {"weir.yaml", 9, 3}});
  const auto findings = make_sql_checker()->check_table(test_.project, table);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].location.line, 9);
}

}  // namespace
}  // namespace weir::pipeline
