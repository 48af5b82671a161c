// Random dictionaries and random bodies, good, bad and nasty: whatever PlainLoad takes, a judged
// load takes too, row for row and value for value. Reproduce a run with WEIR_SEED.
#include <gtest/gtest.h>

#include "base/dice_for_test.h"
#include "config/rule.h"
#include "pipeline/plain_load.h"
#include "pipeline/test_project.h"

namespace weir::pipeline {
namespace {

/// Values as JSON, those first that a column of the type holds; rules that it may have.
struct TypePool {
  const char* type;
  size_t good;
  std::vector<const char*> values;
  std::vector<const char*> rules;
};

const std::vector<TypePool>& pools() {
  static const std::vector<TypePool> all = {
      {"bigint",
       6,
       {"0", "1", "-7", "42", "9223372036854775807", R"("12")", "1.0", "1e3", "9223372036854775808",
        "null", "true", "{}", "[1]", R"("")", "-0", "007", R"("+5")", "99999999999999999999999999"},
       {">= 0", "<= 42", "<> 7", "in (1, 42, -7)", "> -8", "< 9000000000", "= 1"}},
      {"smallint", 3, {"0", "-3", "32767", "32768", R"(" 1")", R"("1")"}, {">= -3", "in (0)"}},
      {"decimal(9,2)",
       4,
       {"0", "1.5", "-12.25", "9999999.99", "10000000", "1.255", R"("1.50")", "1e2", "1.500"},
       {">= 0", "> -0.5", "< 1.505", "in (1.5, 0)", "<= 10000000"}},
      {"decimal(20,0)", 2, {"1", "12345678901234567890", "-1", "1.0", R"("7")"}, {">= 0"}},
      {"double",
       4,
       {"0.1", "-2.5", "1e300", "3", "1e999", R"("0.5")", "-0", "1e-400"},
       {">= 0.1", "< 3", "<> -2.5"}},
      {"real", 3, {"0.5", "-1", "3", "1e39", "0.1"}, {">= 0", "<> 3"}},
      {"boolean", 2, {"true", "false", R"("t")", "1", "0", R"("maybe")", "2"}, {"= true"}},
      {"varchar(5)",
       4,
       {R"("a")", R"("Äöüß€")", R"("")", R"("b\u0061")", R"("sixsix")", "17", "true", R"("\u0000")",
        R"("\ud800")", R"("\ud83d\ude00")", R"("tab\t")", "\"raw\ttab\"", R"("NULL")"},
       {"in (a, 'b', '')", "<> a", ">= 'A'", "< 'z'"}},
      {"varchar",
       3,
       {R"("a text of more than twelve bytes")", R"("x")", R"("line\nend, \"quoted\"")",
        R"("\/\b\f")", "null", R"("\x")", R"("it's")"},
       {"<> 'it''s'", "in ('x', 'it''s', 'a text of more than twelve bytes')"}},
      {"date",
       2,
       {R"("2024-02-29")", R"("1999-12-31")", R"("2023-02-29")", R"("20240101")", R"("0000-01-01")",
        "20240101"},
       {">= 2000-01-01", "<= 2024-02-29", "in (2024-02-29)"}},
      {"timestamp",
       3,
       {R"("2024-01-31T10:00:00")", R"("2024-01-31 10:00:00.25")", R"("2024-01-31T10:00")",
        R"("2024-01-31T10:00:00Z")", R"("2024-01-31")", R"("2024-01-31T10:00:00.1234567")"},
       {">= 2024-01-31", "< '2024-01-31 10:00:01'"}},
      {"timestamptz",
       2,
       {R"("2024-01-31T10:00:00Z")", R"("2024-01-31 10:00:00.5+05:30")",
        R"("2024-01-31T10:00:00")"},
       {}},
      {"time",
       2,
       {R"("10:00:00")", R"("23:59:59.999999")", R"("24:00")", R"("9:00")"},
       {">= 10:00:00"}},
      {"uuid", 1, {R"("01234567-89AB-cdef-0123-456789abcdef")", R"("{01234567}")"}, {}},
      {"bytes", 1, {R"("\\x00ff")", R"("AAAA")"}, {}},
      {"json",
       3,
       {R"({"a": [1, 2, {"b": null}]})", R"("text")", "17", "[[[]]]", R"({"a": 1, "a": 2})", "[1,]",
        "nul", R"({"s": "\ud800"})"},
       {}}};
  return all;
}

class PlainLoadPropertyTest : public testing::Test {
 protected:
  size_t below(size_t limit) { return dice_.below(limit); }
  bool one_in(size_t count) { return dice_.one_in(count); }

  void make_dictionary(int round);
  Table table_named(const std::string& name) const;
  std::string make_row();
  std::string make_body();
  std::string spoiled(std::string body);

  TestProject test_;
  Dice dice_;
  std::vector<Column> columns_;
  std::vector<const TypePool*> pools_;
  size_t dirt_ = 0;  // of so many values one may be bad; 0: none
};

void PlainLoadPropertyTest::make_dictionary(int round) {
  columns_.clear();
  pools_.clear();
  for (size_t i = 0, count = 1 + below(5); i < count; ++i) {
    const TypePool& pool = pools()[below(pools().size())];
    Column column{"Column " + std::to_string(i), *parse_data_type(pool.type), {}, {}};
    std::vector<std::string> rules;
    if (one_in(3)) rules.emplace_back("required");
    if (!pool.rules.empty() && one_in(2)) rules.emplace_back(pool.rules[below(pool.rules.size())]);
    if (pool.type == std::string("bigint") && one_in(8)) rules.emplace_back("default 5");
    for (const std::string& rule : rules) {
      const auto entry = config::parse_rule(rule);
      ASSERT_TRUE(entry) << rule;
      const auto compiled = config::compile_rule(*entry, column.name, column.type);
      ASSERT_TRUE(compiled) << rule;
      column.rules.push_back(*compiled);
    }
    columns_.push_back(std::move(column));
    pools_.push_back(&pool);
  }
  for (const char* kind : {"plain", "judged"}) {
    const std::string name = kind + std::to_string(round);
    test_.project.tables.push_back(table_named(name));
    ReadStep read;
    read.format = Format::json;
    Pipeline pipeline;
    pipeline.name = PipelineName(name);
    pipeline.steps = {read, LoadStep{TableName(name), LoadMode::append, {}}};
    test_.project.pipelines.push_back(std::move(pipeline));
  }
  test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
}

Table PlainLoadPropertyTest::table_named(const std::string& name) const {
  Table table;
  table.name = TableName(name);
  table.database = DatabaseName("warehouse");
  table.columns = columns_;
  return table;
}

std::string PlainLoadPropertyTest::make_row() {
  std::string row;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (one_in(12)) continue;
    const TypePool& pool = *pools_[i];
    const bool bad = dirt_ > 0 && one_in(dirt_);
    const char* value =
        one_in(12) ? "null" : pool.values[below(bad ? pool.values.size() : pool.good)];
    std::string name = columns_[i].name;
    if (one_in(15)) name = "Column\\u0020" + std::to_string(i);
    row += (row.empty() ? "" : one_in(5) ? " ,\n " : ",") + ("\"" + name + "\":") + value;
  }
  if (one_in(10)) row += (row.empty() ? "" : ",") + std::string(R"("unknown": [{"a": "}\""}])");
  if (dirt_ > 0 && one_in(4 * dirt_) && !row.empty()) row += R"(, "Column 0": 1)";
  return "{" + row + "}";
}

std::string PlainLoadPropertyTest::spoiled(std::string body) {
  switch (below(8)) {
    case 0: return body.substr(0, below(body.size() + 1));
    case 1: return body + " x";
    case 2: return " " + body;
    case 3: return "\xef\xbb\xbf" + body;
    case 4: body.insert(below(body.size() + 1), 1, '\0'); return body;
    case 5: body[below(body.size())] = static_cast<char>(dice_.below(256)); return body;
    case 6: return body + body;
    default: {
      const std::string deep(1200, '[');
      return "[{\"unknown\": " + deep + std::string(1200, ']') + "}]";
    }
  }
}

std::string PlainLoadPropertyTest::make_body() {
  std::string body;
  const bool array = one_in(2);
  for (size_t i = 0, count = one_in(6) ? 1500 + below(3000) : 1 + below(6); i < count; ++i) {
    std::string row = make_row();
    if (!array && !one_in(20)) std::erase(row, '\n');
    body += (i == 0 ? "" : array ? ", " : "\n") + row;
  }
  if (array) body = "[" + body + "]";
  if (one_in(3)) body += "\n";
  return dirt_ > 0 && one_in(6) ? spoiled(std::move(body)) : body;
}

TEST_F(PlainLoadPropertyTest, WhatIsTakenAJudgedLoadTakesToo) {
  SCOPED_TRACE(dice_.told());
  size_t taken_bodies = 0, other_bodies = 0, taken_when_clean = 0;
  for (int round = 0; round < 25; ++round) {
    dirt_ = round % 3 == 0 ? 0 : 4 + below(30);
    make_dictionary(round);
    const std::string plain = "plain" + std::to_string(round);
    const std::string judged = "judged" + std::to_string(round);
    const auto session = Session::open(
        test_.project, *test_.project.find_pipeline(PipelineName(plain)), test_.database());
    ASSERT_TRUE(session) << session.error().to_string();
    const auto load = PlainLoad::make(**session);
    ASSERT_TRUE(load) << load.error().to_string();
    if (*load == nullptr) continue;  // a rule that is the statement's
    std::vector<std::string> bodies, keys;
    for (size_t i = 0; i < 12; ++i) bodies.push_back(make_body());
    std::vector<size_t> rows;
    for (std::string& body : bodies) {
      body.reserve(body.size() + duckdb::DirectRows::padding);
      rows.push_back((*load)->take(body));
      (rows.back() > 0 ? taken_bodies : other_bodies)++;
      if (rows.back() > 0 && dirt_ == 0) ++taken_when_clean;
    }
    if ((*load)->rows() == 0) continue;
    ASSERT_TRUE((*load)->write() && (*load)->commit());
    (*load)->clear();
    for (size_t i = 0; i < bodies.size(); ++i) {
      if (rows[i] == 0) continue;
      const std::string key = judged + "-" + std::to_string(i) + ".json";
      test_.drop(key, bodies[i]);
      const Receipt receipt = test_.run(judged, key);
      ASSERT_EQ(receipt.rows.read, rows[i]) << bodies[i];
      ASSERT_EQ(receipt.rows.inserted, rows[i]) << bodies[i];
    }
    for (const auto& [one, other] : {std::pair(plain, judged), std::pair(judged, plain)}) {
      ASSERT_EQ(
          test_.query("SELECT count(*) FROM (FROM " + one + " EXCEPT ALL FROM " + other + ")"),
          std::vector<std::string>{"0"});
    }
  }
  EXPECT_GT(taken_bodies, 20u);
  EXPECT_GT(other_bodies, 20u);
  EXPECT_GT(taken_when_clean, 10u);
}

}  // namespace
}  // namespace weir::pipeline
