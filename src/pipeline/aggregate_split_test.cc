#include "pipeline/aggregate_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duckdb/database.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class AggregateSplitTest : public testing::Test {
 protected:
  AggregateSplitTest()
      : database_(*duckdb::Database::open({})), connection_(*database_->connect()) {}

  SplitExpression split(const std::string& expression) {
    serial_ = 0;
    auto splitter = AggregateSplitter::make(*connection_, serial_);
    auto parts = splitter->split(expression);
    EXPECT_TRUE(parts) << expression << ": " << parts.error().to_string();
    return parts ? *parts : SplitExpression{};
  }

  std::unique_ptr<duckdb::Database> database_;
  std::unique_ptr<duckdb::Connection> connection_;
  int serial_ = 0;
};

TEST_F(AggregateSplitTest, ArgumentsThatCanFailArePartsOfTheirOwn) {
  const auto parts = split("sum(CAST(a AS INTEGER)) // count(*) + max(b)");
  EXPECT_EQ(parts.value, "((weir_g2 // weir_g3) + weir_g4)");
  EXPECT_THAT(parts.aggregates,
              ElementsAre(Pair("weir_g2", "sum(weir_a1)"), Pair("weir_g3", "count_star()"),
                          Pair("weir_g4", "max(b)")));
  EXPECT_THAT(parts.arguments, ElementsAre(Pair("weir_a1", "CAST(a AS INTEGER)")));
}

TEST_F(AggregateSplitTest, FiltersAndOrdersAreArgumentsToo) {
  const auto parts = split("list(a + 1 ORDER BY b::DATE DESC) FILTER (c::INTEGER > 2)");
  EXPECT_EQ(parts.value, "weir_g4");
  EXPECT_EQ(parts.arguments.size(), 3u);
  ASSERT_EQ(parts.aggregates.size(), 1u);
  EXPECT_THAT(parts.aggregates[0].second, HasSubstr("FILTER (WHERE weir_a2)"));
  EXPECT_THAT(parts.aggregates[0].second, HasSubstr("weir_a3 DESC, weir_row"));
}

TEST_F(AggregateSplitTest, WhatDependsOnTheOrderOfRowsGetsTheInputs) {
  EXPECT_THAT(split("first(a)").aggregates[0].second, HasSubstr("ORDER BY weir_row"));
  EXPECT_THAT(split("string_agg(a, ',')").aggregates[0].second, HasSubstr("ORDER BY weir_row"));
  EXPECT_THAT(split("list(DISTINCT a)").aggregates[0].second, HasSubstr("ORDER BY a"));
  EXPECT_EQ(split("sum(a)").aggregates[0].second, "sum(a)");
}

TEST_F(AggregateSplitTest, WhatIsNoAggregateStays) {
  const auto parts = split("upper(city) || (SELECT max(x) FROM t)");
  EXPECT_THAT(parts.aggregates, IsEmpty());
  EXPECT_THAT(parts.arguments, IsEmpty());
  EXPECT_THAT(parts.value, HasSubstr("max(x)"));
}

TEST_F(AggregateSplitTest, RunVariablesKeepTheirPlace) {
  const auto parts = split("count(*) FILTER (day = ${run.day}) + max(${run.day} - day)");
  ASSERT_EQ(parts.arguments.size(), 2u);
  EXPECT_THAT(parts.arguments[0].second, HasSubstr("/*weir_run_day*/"));
  EXPECT_THAT(parts.arguments[1].second, HasSubstr("/*weir_run_day*/"));
}

TEST_F(AggregateSplitTest, WhatTheParserCannotReadIsAnError) {
  auto splitter = AggregateSplitter::make(*connection_, serial_);
  EXPECT_FALSE(splitter->split("sum(a"));
  EXPECT_FALSE(splitter->split("count(*) FILTER (x = 18446744073709551615)"));  // nor weir's JSON
}

}  // namespace
}  // namespace weir::pipeline
