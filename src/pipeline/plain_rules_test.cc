#include "pipeline/plain_rules.h"

#include <gtest/gtest.h>

#include "config/rule.h"
#include "pipeline/literal_rule.h"

namespace weir::pipeline {
namespace {

Column column_with(const std::string& type, const std::string& rule) {
  Column column{"a \"b\"", *parse_data_type(type), {}, {}};
  column.rules.push_back(
      *config::compile_rule(*config::parse_rule(rule), column.name, column.type));
  return column;
}

bool is_read(const std::string& type, const std::string& rule) {
  const Column column = column_with(type, rule);
  return read_literal_rule(column.rules.front(), column).has_value();
}

TEST(LiteralRule, ReadsWhatComparesAsItsDigitsSay) {
  EXPECT_TRUE(is_read("bigint", ">= 0"));
  EXPECT_TRUE(is_read("bigint", "in (1, -2, 3)"));
  EXPECT_TRUE(is_read("decimal(9,2)", "< 1.505"));
  EXPECT_TRUE(is_read("double", "<> -2.5"));
  EXPECT_TRUE(is_read("varchar", "in (a, 'it''s')"));
  EXPECT_TRUE(is_read("date", ">= 2000-01-01"));
  EXPECT_TRUE(is_read("timestamp", ">= 2000-01-01"));
  EXPECT_TRUE(is_read("boolean", "= true"));
}

TEST(LiteralRule, LeavesTheOthersToTheStatement) {
  EXPECT_FALSE(is_read("bigint", ">= 0.5"));
  EXPECT_FALSE(is_read("bigint", ">= 1e3"));
  EXPECT_FALSE(is_read("bigint", "<= 9223372036854775807"));
  EXPECT_FALSE(is_read("bigint", ">= other_column"));
  EXPECT_FALSE(is_read("bigint", "in (1, 2.5)"));
  EXPECT_FALSE(is_read("hugeint", ">= 0"));
  EXPECT_FALSE(is_read("decimal(20,0)", ">= 0"));
  EXPECT_FALSE(is_read("real", ">= 0.1"));
  EXPECT_FALSE(is_read("timestamptz", ">= 2000-01-01"));
  EXPECT_FALSE(is_read("date", ">= 2000-02-30"));
  EXPECT_FALSE(is_read("varchar", "matches 'a+'"));
  EXPECT_FALSE(is_read("varchar", "check (length(x) > 1)"));
}

TEST(LiteralRule, ReadsTheValues) {
  const Column column = column_with("decimal(9,2)", "in (1.5, 2, -0.125)");
  const auto rule = read_literal_rule(column.rules.front(), column);
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->scale, 3);
  ASSERT_EQ(rule->literals.size(), 3u);
  EXPECT_EQ(static_cast<int>(*rule->literals[0].scaled), 1500);
  EXPECT_EQ(static_cast<int>(*rule->literals[2].scaled), -125);
}

TEST(PlainRules, TablesThatAskForMoreAreNotJudgedHere) {
  Table table;
  table.columns = {column_with("bigint", ">= 0")};
  EXPECT_TRUE(PlainRules::of(table, Engine::duckdb));
  EXPECT_TRUE(PlainRules::of(table, Engine::postgres));
  EXPECT_FALSE(PlainRules::of(table, Engine::mysql));
  table.lineage = true;
  EXPECT_FALSE(PlainRules::of(table, Engine::duckdb));
  table.lineage = false;
  table.columns.push_back(column_with("varchar", "check (length(x) > 1)"));
  EXPECT_FALSE(PlainRules::of(table, Engine::duckdb));
  table.columns = {Column{"l", *parse_data_type("bigint[]"), {}, {}}};
  EXPECT_FALSE(PlainRules::of(table, Engine::duckdb));
}

TEST(PlainRules, OneRowThatBreaksOneIsEnough) {
  Table table;
  table.columns = {column_with("integer", "<= 5")};
  table.key = {table.columns.front().name};
  const auto rules = PlainRules::of(table, Engine::duckdb);
  ASSERT_TRUE(rules);
  const int32_t values[] = {1, 5, 6, 3};
  uint64_t validity = 0b1111;
  const server::ColumnView column{&table.columns.front().type, values, &validity, nullptr};
  EXPECT_TRUE(rules->hold({&column, 1}, 0, 2));
  EXPECT_FALSE(rules->hold({&column, 1}, 0, 3));
  EXPECT_TRUE(rules->hold({&column, 1}, 3, 4));
  validity = 0b1101;  // of the key
  EXPECT_FALSE(rules->hold({&column, 1}, 0, 2));
}

}  // namespace
}  // namespace weir::pipeline
