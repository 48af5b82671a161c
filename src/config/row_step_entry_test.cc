// The steps that make rows of rows: how they are written, and what is said of a wrong one.
#include <gtest/gtest.h>

#include "config/diagnostics_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Six lines; the steps begin in line 7.
const std::string head =
    "project: p\n"
    "databases: {w: duckdb://w.duckdb}\n"
    "tables:\n"
    "  t: {in: w, columns: {city: varchar | key, n: bigint | required, note: varchar}}\n"
    "pipelines:\n"
    "  a: {steps: [\n"
    "    {read: {format: json, columns: {city: varchar, hit: \"bigint[]\", at: date}}},\n";
const std::string tail = "    {load: {table: t}}]}\n";

TEST(RowSteps, BecomeTheModel) {
  const LoadedProject loaded = load_text(
      head +
      "    {unnest: hit}, {unnest: {column: hit, as: n, keep_empty: true}},\n"
      "    {dedupe: {by: [city]}}, {dedupe: {by: [city, n], keep: newest, order_by: at + 1}},\n"
      "    {check: n > 0}, {check: [n > 0, 'n < 9']}, {check: {small: n < 9}},\n"
      "    {aggregate: {columns: {n: count(*)}}}, {aggregate: {by: [city], columns: {n: "
      "sum(n)}}},\n" +
      tail);
  EXPECT_THAT(lines_of(loaded), IsEmpty());
  ASSERT_EQ(loaded.project.pipelines.size(), 1u);
  const auto& steps = loaded.project.pipelines[0].steps;
  ASSERT_EQ(steps.size(), 11u);
  const auto& brief = std::get<UnnestStep>(steps[1]);
  EXPECT_EQ(brief.column.name, "hit");
  EXPECT_EQ(brief.column.location.line, 8);
  EXPECT_EQ(brief.column.location.column, 14);
  EXPECT_EQ(brief.as, "");
  const auto& full = std::get<UnnestStep>(steps[2]);
  EXPECT_EQ(full.as, "n");
  EXPECT_TRUE(full.keep_empty);
  EXPECT_EQ(std::get<DedupeStep>(steps[3]).keep, DedupeKeep::first);
  const auto& newest = std::get<DedupeStep>(steps[4]);
  ASSERT_EQ(newest.by.size(), 2u);
  EXPECT_EQ(newest.by[1].name, "n");
  EXPECT_EQ(newest.by[1].location.column, 50);
  EXPECT_EQ(newest.keep, DedupeKeep::newest);
  EXPECT_EQ(newest.order_by.text, "at + 1");
  const auto& rules = std::get<CheckStep>(steps[6]).rules;
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].name, "n > 0");
  EXPECT_EQ(rules[1].expression.text, "n < 9");
  EXPECT_EQ(std::get<CheckStep>(steps[7]).rules[0].name, "small");
  EXPECT_THAT(std::get<AggregateStep>(steps[8]).by, IsEmpty());
  EXPECT_EQ(std::get<AggregateStep>(steps[9]).items[0].expression.text, "sum(n)");
}

TEST(RowSteps, WhatIsWrongIsSaid) {
  const std::string whole = "    {select: {city: city, n: 1}},\n" + tail;
  expect_diagnostics(
      {{"    {unnest: {as: n}},\n" + tail,
        {"8:6: error: 'column' is missing in 'unnest' of pipeline 'a'; add e.g. column: hit"}},
       {"    {dedupe: {by: [city], keep: newest}},\n" + whole,
        {"8:33: error: 'order_by' is missing: by what is a row the newest?; add order_by: an SQL "
         "expression, such as updated_at"}},
       {"    {dedupe: {by: [city], order_by: at}},\n" + whole,
        {"8:37: error: 'order_by' goes with keep: newest or oldest; first and last go by input "
         "order; remove it, or change keep"}},
       {"    {dedupe: {by: []}},\n" + whole,
        {"8:6: error: 'by' of 'dedupe' names no column; name the columns that tell rows apart"}},
       {"    {aggregate: {by: [city], columns: {City: max(city), n: count(*)}}},\n" + tail,
        {"8:40: error: the aggregate in pipeline 'a' makes the column 'City' twice, once as "
         "'city'; the columns of 'by' are there already: leave one out"}},
       {"    {aggregate: {columns: {}}},\n" + whole,
        {"8:6: error: the aggregate in pipeline 'a' has no columns; write `column: expression` "
         "below 'columns'"}},
       {"    {check: {}},\n" + whole,
        {"8:5: error: the check in pipeline 'a' has no conditions; write a condition, or `name: "
         "condition`"}},
       {"    {aggregate: {by: [city, hit], columns: {count: count(*)}}},\n" + tail,
        {"8:5: error: the required column 'n' of table 't' is missing in the aggregate of pipeline "
         "'a'; add n: …",
         "8:29: error: column 'hit' in pipeline 'a' is not in table 't'; there are city, n, note",
         "8:45: error: column 'count' in pipeline 'a' is not in table 't'; there are city, n, "
         "note"}},
       {"    {unnest: {column: hit, as: m}},\n" + tail,
        {"7:6: error: the required column 'n' of table 't' is missing in the columns read of "
         "pipeline 'a'; add n: …",
         "7:69: error: column 'at' in pipeline 'a' is not in table 't'; there are city, n, note",
         "8:32: error: column 'm' in pipeline 'a' is not in table 't'; there are city, n, "
         "note"}}},
      head);
}

}  // namespace
}  // namespace weir::config
