#pragma once

// For tests: pipelines made of row steps, run on a few rows.

#include <gtest/gtest.h>

#include <utility>

#include "pipeline/row_query.h"
#include "pipeline/sql_checker.h"
#include "pipeline/test_project.h"

namespace weir::pipeline {

using Items = std::vector<std::pair<std::string, std::string>>;

class RowStepsTest : public testing::Test {
 protected:
  RowStepsTest() { test_.project.tables.reserve(10); }

  static std::vector<ReadColumn> sources(const Items& columns) {
    std::vector<ReadColumn> made;
    for (const auto& [name, type] : columns) made.push_back({name, *parse_data_type(type), {}});
    return made;
  }
  static SelectStep select(const Items& items) {
    SelectStep step;
    for (const auto& [name, sql] : items) step.items.push_back({name, {sql, {"w", 1, 1}, true}});
    return step;
  }
  static WhereStep where(const std::string& sql) { return {{sql, {"w", 2, 1}, true}, {}}; }
  static CheckStep check(const Items& rules) {
    CheckStep step;
    for (const auto& [name, sql] : rules) step.rules.push_back({name, {sql, {"w", 3, 1}, true}});
    return step;
  }
  static std::vector<NamedColumn> columns(const std::vector<std::string>& names) {
    std::vector<NamedColumn> made;
    for (const std::string& name : names) made.push_back({name, {"w", 4, 1}});
    return made;
  }
  static UnnestStep unnest(const std::string& column, const std::string& as = "",
                           bool keep_empty = false) {
    return {{column, {"w", 5, 1}}, as, keep_empty, {}};
  }
  static DedupeStep dedupe(const std::vector<std::string>& by, DedupeKeep keep,
                           const std::string& order_by = "") {
    return {columns(by), keep, {order_by, {"w", 6, 1}, true}, {}};
  }
  static AggregateStep aggregate(const std::vector<std::string>& by, const Items& items) {
    AggregateStep step;
    step.by = columns(by);
    for (const auto& [name, sql] : items) step.items.push_back({name, {sql, {"w", 7, 1}, true}});
    return step;
  }

  /// Loads `json` through the steps into a table of these columns, which is made anew.
  Receipt load(const Items& read, const std::vector<Step>& steps, const Items& columns,
               const std::string& json) {
    const std::string name = "t" + std::to_string(++serial_);
    make_pipeline(name, read, steps, columns);
    test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
    test_.drop(name + ".json", json);
    const Receipt receipt = test_.run(name, name + ".json");
    EXPECT_TRUE(receipt.rows.balances());
    rows_ = test_.query("SELECT * FROM " + name + " ORDER BY ALL");
    return receipt;
  }
  /// What the checker says of a select of one expression over {a: bigint, b: varchar, l: bigint[]}.
  std::vector<config::Diagnostic> findings(const std::string& expression) {
    make_pipeline("c" + std::to_string(++serial_),
                  {{"a", "bigint"}, {"b", "varchar"}, {"l", "bigint[]"}},
                  {select({{"x", expression}})}, {{"x", "varchar"}});
    return make_sql_checker()->check_pipeline(test_.project, test_.project.pipelines.back());
  }

  void make_pipeline(const std::string& name, const Items& read, const std::vector<Step>& steps,
                     const Items& columns) {
    Table table;
    table.name = TableName(name);
    table.database = DatabaseName("warehouse");
    for (const auto& [column, type] : columns) {
      table.columns.push_back({column, *parse_data_type(type), {}, {}});
    }
    test_.project.tables.push_back(table);
    Pipeline pipeline;
    pipeline.name = PipelineName(name);
    ReadStep reading;
    reading.columns = sources(read);
    pipeline.steps.push_back(reading);
    pipeline.steps.insert(pipeline.steps.end(), steps.begin(), steps.end());
    pipeline.steps.push_back(LoadStep{TableName(name), LoadMode::append, {}});
    test_.project.pipelines.push_back(pipeline);
  }

  TestProject test_;
  int serial_ = 0;
  std::vector<std::string> rows_;
};

}  // namespace weir::pipeline
