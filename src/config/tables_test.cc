#include <gtest/gtest.h>

#include "config/diagnostics_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;

/// Four lines; what follows begins in line 5, indented by four.
const std::string head =
    "project: p\n"
    "databases: {w: duckdb://w.duckdb}\n"
    "tables:\n"
    "  t:\n";

TEST(Tables, BecomeTheModel) {
  const LoadedProject loaded = load_text(head +
                                         "    in: w\n"
                                         "    schema: monks\n"
                                         "    columns:\n"
                                         "      id: decimal(20,0) | required\n"
                                         "      day: {type: date, required: true, key: true}\n"
                                         "      n: 'integer | >= 0'\n"
                                         "    key: [id, day]\n"
                                         "    on_bad_row: fail\n"
                                         "    stop_at: {rejected: 1000, ratio: 5%}\n");
  // The list of the key is more than the rule says.
  EXPECT_THAT(lines_of(loaded),
              ElementsAre("11:11: error: the key of table 't' is given twice and differently: here "
                          "and by the rule 'key'; keep one of the two"));
  const LoadedProject good = load_text(head +
                                       "    in: w\n"
                                       "    schema: monks\n"
                                       "    columns:\n"
                                       "      id: decimal(20,0) | required\n"
                                       "      day: {type: date, required: true}\n"
                                       "      n: 'integer | >= 0'\n"
                                       "    key: [day, id]\n"
                                       "    on_bad_row: fail\n"
                                       "    stop_at: {rejected: 1000, ratio: 5%}\n");
  EXPECT_THAT(lines_of(good), ElementsAre());
  ASSERT_EQ(good.project.tables.size(), 1u);
  const Table& table = good.project.tables[0];
  EXPECT_EQ(table.name, TableName("t"));
  EXPECT_EQ(table.database, DatabaseName("w"));
  EXPECT_EQ(table.schema, "monks");
  EXPECT_THAT(table.key, ElementsAre("day", "id"));
  EXPECT_EQ(table.on_bad_row, OnBadRow::fail);
  EXPECT_EQ(table.stop_at.rejected, 1000u);
  EXPECT_DOUBLE_EQ(*table.stop_at.ratio, 0.05);
  ASSERT_EQ(table.columns.size(), 3u);
  EXPECT_EQ(table.columns[0].type.to_string(), "decimal(20,0)");
  EXPECT_TRUE(table.columns[0].is_key());
  EXPECT_EQ(table.columns[1].location, (Location{"weir.yaml", 9, 7}));
  ASSERT_EQ(table.columns[2].rules.size(), 1u);
  EXPECT_EQ(table.columns[2].rules[0].text, ">= 0");
  EXPECT_EQ(table.columns[2].rules[0].predicate, R"("n" >= 0)");
  EXPECT_EQ(table.columns[2].rules[0].location, (Location{"weir.yaml", 10, 21}));
}

TEST(Tables, TheKeyRuleSetsTheKey) {
  const LoadedProject loaded =
      load_text(head + "    in: w\n    columns: {a: bigint | key, b: date | key, c: json}\n");
  EXPECT_THAT(lines_of(loaded), ElementsAre());
  EXPECT_THAT(loaded.project.tables[0].key, ElementsAre("a", "b"));
  EXPECT_TRUE(loaded.project.tables[0].columns[0].required());
}

TEST(Tables, BothFormsOfAColumnAreTheSame) {
  const LoadedProject loaded = load_text(
      head +
      "    in: w\n"
      "    columns:\n"
      "      a: varchar(5) | key | required | in (x, y) | matches '[a-z]+' | != z | check (a < b)\n"
      "      b: {type: varchar(5), key: true, required: true, in: [x, y], matches: '[a-z]+',\n"
      "          '!=': z, check: (a < b)}\n"
      "      c: integer | >= 0 | < 10\n"
      "      d: {type: integer, '>=': 0, '<': 10, required: false}\n");
  EXPECT_THAT(lines_of(loaded), ElementsAre());
  ASSERT_EQ(loaded.project.tables.size(), 1u);
  const auto& columns = loaded.project.tables[0].columns;
  const auto rules = [](const Column& column) {
    std::multiset<std::pair<int, std::string>> all;
    for (const Rule& rule : column.rules) {
      std::string predicate = rule.predicate;
      for (size_t at; (at = predicate.find("\"" + column.name + "\"")) != std::string::npos;) {
        predicate.replace(at, 3, "column");
      }
      all.emplace(int(rule.kind), predicate);
    }
    return all;
  };
  EXPECT_EQ(rules(columns[0]), rules(columns[1]));
  EXPECT_EQ(rules(columns[0]).size(), 6u);
  EXPECT_EQ(rules(columns[2]), rules(columns[3]));
  EXPECT_EQ(columns[1].rules[2].text, "in (x, y)");
  EXPECT_EQ(columns[1].rules[2].location, (Location{"weir.yaml", 8, 61}));
  EXPECT_EQ(columns[3].rules[0].text, "< 10");
}

TEST(Tables, ReferencesNameATableAndAColumn) {
  const LoadedProject loaded =
      load_text(head +
                "    in: w\n    columns:\n      a: bigint | key\n"
                "      b: integer | references t\n      c: varchar | references t(d)\n"
                "      d: varchar | unique\n      e: {type: varchar, references: t(d)}\n"
                "      f: varchar | references \"t\" ( 'd' )\n");
  EXPECT_THAT(lines_of(loaded), ElementsAre());
  ASSERT_EQ(loaded.project.tables.size(), 1u);
  const auto& columns = loaded.project.tables[0].columns;
  EXPECT_EQ(columns[1].rules[0].argument, "t");
  EXPECT_EQ(columns[1].rules[0].column, "");
  for (const size_t i : {2u, 4u, 5u}) {
    EXPECT_EQ(columns[i].rules[0].argument, "t");
    EXPECT_EQ(columns[i].rules[0].column, "d");
  }
  EXPECT_EQ(columns[2].rules[0].text, "references t(d)");
}

TEST(Tables, MistakesInReferences) {
  expect_diagnostics(
      {{"    in: w\n    columns: {a: bigint | references tt}\n",
        {"6:27: error: unknown table 'tt' in column 'a' of table 't'; did you mean 't'?"}},
       {"    in: w\n    columns: {a: bigint | references t}\n",
        {"6:27: error: table 't' has no key that column 'a' of table 't' could reference; name the "
         "column: references t(COLUMN)"}},
       {"    in: w\n    columns: {a: bigint | references t, b: bigint | key, c: date | key}\n",
        {"6:27: error: the key of table 't' has several columns, and column 'a' of table 't' can "
         "reference one; name the column: references t(COLUMN)"}},
       {"    in: w\n    columns: {a: bigint | references t(aa)}\n",
        {"6:27: error: unknown column 'aa' of table 't' in column 'a' of table 't'; did you mean "
         "'a'?"}},
       {"    in: w\n    columns: {a: bigint | references t(b), b: varchar}\n",
        {"6:27: error: column 'a' of table 't' is bigint and references a varchar; make the two "
         "one kind of type"}},
       {"    in: w\n    columns: {a: json | references t(a)}\n",
        {"6:25: error: column 'a' of table 't' is json, and values of that type cannot be "
         "compared; take another column"}},
       {"    in: w\n    columns: {b: json | unique}\n",
        {"6:25: error: a column of type json cannot be unique (column 'b' of table 't'); take a "
         "column whose values can be compared"}},
       {"    in: w\n    columns: {a: bigint | references t(a b}\n",
        {"6:39: error: this '(' is never closed (column 'a' of table 't'); add the ')'"}},
       {"    in: w\n    columns: {a: bigint | references t(), b: {type: date, references: "
        "\"t(\"}}\n",
        {"6:39: error: 'references' takes one column in its brackets (column 'a' of table 't'); "
         "e.g. references customers(email)",
         "6:71: error: 'references' takes one column in its brackets (column 'b' of table 't'); "
         "e.g. references customers(email)"}}},
      head);
  expect_diagnostics(
      {{"    in: w\n    columns: {a: bigint | key}\n  u:\n    in: v\n    columns: {a: bigint | "
        "references t}\n",
        {"9:27: error: column 'a' of table 'u' references table 't' of another database; keep both "
         "in one database"}}},
      "project: p\ndatabases: {w: duckdb://w.duckdb, v: duckdb://v.duckdb}\ntables:\n  t:\n");
}

TEST(Tables, MistakesInTables) {
  expect_diagnostics(
      {{"    columns: {a: bigint}\n",
        {"4:3: error: 'in' is missing in table 't'; add e.g. in: warehouse"}},
       {"    in: w\n",
        {"4:3: error: 'columns' is missing in table 't'; add e.g. columns: {id: bigint | key, "
         "name: "
         "varchar(255) | required}"}},
       {"    in: w\n    columns: {}\n",
        {"4:3: error: table 't' has no columns; add e.g. columns: {id: bigint | key}"}},
       {"    in: ww\n    colums: {a: bigint}\n",
        {"5:9: error: unknown database 'ww' in table 't'; did you mean 'w'?",
         "6:5: error: unknown key 'colums' in table 't'; did you mean 'columns'?"}},
       {"    in: w\n    columns: {a: bigint}\n    key: [a, A, a]\n",
        {"7:14: error: unknown column 'A' in the key of table 't'; there is a",
         "7:17: error: column 'a' is twice in the key of table 't'; remove one"}},
       {"    in: w\n    columns: {a: bigint, A: bigint}\n",
        {"6:26: error: column 'A' of table 't' differs from 'a' in case only; databases see one "
         "name: rename one of them"}},
       {"    in: w\n    columns: {a: json | key}\n",
        {"6:15: error: a column of type json cannot be part of the key of table 't'; take a column "
         "whose values can be compared"}},
       {"    in: w\n    columns: {a: bigint}\n    on_bad_row: quarantin\n    stop_at: {rejected: "
        "-1, "
        "ratio: 200%}\n",
        {"7:17: error: 'on_bad_row' of table 't' must be quarantine or fail, not 'quarantin'; did "
         "you mean 'quarantine'?",
         "8:25: error: 'rejected' of table 't' must be a whole number from 0, not '-1'",
         "8:36: error: 'ratio' of table 't' must be a share such as 5% or 0.05, not '200%'"}},
       {"    in: w\n    columns: {a: bigint}\n  T:\n    in: w\n    columns: {a: bigint}\n",
        {"7:3: error: table 'T' differs from 't' in case only; databases see one name: rename one "
         "of them"}},
       {"    in: w\n    columns: {a: bigint}\n  weir_loads:\n    in: w\n    columns: {a: bigint}\n",
        {"7:3: error: 'weir_loads' is a table of weir's own ledger; choose another name"}},
       {"    in: w\n    columns: [a, b]\n",
        {"6:14: error: 'columns' of table 't' must be a map of column names, not a list"}}},
      head);
}

TEST(Tables, MistakesInColumns) {
  expect_diagnostics(
      {{"      a: bigit | required | requird\n",
        {"7:10: error: unknown type 'bigit' (column 'a' of table 't'); did you mean 'bigint'?",
         "7:29: error: unknown rule 'requird' (column 'a' of table 't'); did you mean "
         "'required'?"}},
       {"      a: \"varchar | in (x\"\n",
        {"7:24: error: this '(' is never closed (column 'a' of table 't'); add the ')'"}},
       {"      a: >\n        varchar |\n        nope\n",
        {"7:10: error: unknown rule 'nope' (column 'a' of table 't'); rules are required, key, "
         "unique, references T, in (…), matches '…', default …, check (…), and comparisons such as "
         ">= 0"}},
       {"      a: integer | in (1, x)\n",
        {"7:20: error: 'x' is no integer (column 'a' of table 't'); values of this column look "
         "like "
         "42"}},
       {"      a: integer | >= 0 | required | >= 0 | > 0\n",
        {"7:38: warning: the rule '>= 0' of column 'a' of table 't' is there twice; remove one"}},
       {"      a: {required: true}\n",
        {"7:7: error: 'type' is missing in column 'a' of table 't'; add e.g. type: "
         "\"decimal(20,0)\""}},
       {"      a: {type: varchr, required: yes}\n",
        {"7:17: error: unknown type 'varchr' ('type' of column 'a' of table 't'); did you mean "
         "'varchar'?",
         "7:35: error: 'required' of column 'a' of table 't' must be true or false, not 'yes'"}},
       {"      a:\n      b: [x]\n",
        {"7:7: error: column 'a' of table 't' must be a type with its rules, such as bigint | "
         "required | >= 0 or a map, not empty; give a value, or remove the key",
         "8:10: error: column 'b' of table 't' must be a type with its rules, such as bigint | "
         "required | >= 0 or a map, not a list"}}},
      head + "    in: w\n    columns:\n");
}

}  // namespace
}  // namespace weir::config
