#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/find_drift.h"
#include "pipeline/server_for_test.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ServerDrift : public testing::Test {
 protected:
  ServerDrift() : test(Engine::postgres, database.url()) {}

  Table& people() { return test.project.tables[2]; }

  TableDrift drift(Apply apply = Apply::no) {
    auto drifts = find_drift(test.project, test.resources, people().name, apply);
    EXPECT_TRUE(drifts) << drifts.error().to_string();
    return drifts ? std::move(drifts->front()) : TableDrift{};
  }
  /// The differences of people: "effect mending: ddl; ddl rule | rows example".
  std::vector<std::string> found(Apply apply = Apply::no) {
    std::vector<std::string> lines;
    const char* const effects[] = {"none", "mend", "stop"};
    for (const Difference& one : drift(apply).differences) {
      std::string line = effects[static_cast<int>(one.effect)];
      line += " " + std::string(to_string(one.mending));
      for (const std::string& ddl : one.ddl) {
        const size_t at = ddl.find("\"people\" ");
        line += ": " + (at == std::string::npos ? ddl : ddl.substr(at + 9));
      }
      if (one.kind == DriftKind::rows) line += " " + one.wanted;
      if (one.kind == DriftKind::constraint && one.effect == DriftEffect::none) {
        line += " " + one.found;
      }
      if (one.rows > 0) line += " | " + std::to_string(one.rows) + " " + one.example;
      lines.push_back(line);
    }
    return lines;
  }
  void make(const std::string& ddl) { database.write({"DROP TABLE IF EXISTS people", ddl}); }
  void insert(const std::string& rows) { database.write({"INSERT INTO people VALUES " + rows}); }

  PostgresDatabase database;
  TestProject test;
};

TEST_F(ServerDrift, TheTableWeirMakesIsTheDictionarys) {
  const char* const types[] = {"boolean",       "tinyint", "smallint", "integer",      "bigint",
                               "hugeint",       "real",    "double",   "decimal(9,2)", "varchar",
                               "varchar(10)",   "bytes",   "date",     "time",         "timestamp",
                               "timestamptz",   "uuid",    "json",     "integer[]",    "varchar[]",
                               "decimal(38,10)"};
  people().lineage = true;
  people().schema = "other";
  for (const char* type : types) {
    people().columns.push_back(
        {"c" + std::to_string(people().columns.size()), *parse_data_type(type), {}, {}});
  }
  people().columns[1].rules.push_back({RuleKind::unique, "unique", "", "", "", {}});
  EXPECT_THAT(drift().differences, testing::SizeIs(1));
  EXPECT_TRUE(drift().is_missing());
  EXPECT_THAT(drift(Apply::yes).differences, testing::SizeIs(1));
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(ServerDrift, EveryDifferenceOfStructureIsTold) {
  make(
      "CREATE TABLE people (name integer NOT NULL, note text, made date NOT NULL DEFAULT "
      "'2020-01-01', who text NOT NULL)");
  EXPECT_THAT(found(), ElementsAre("stop safe: ADD COLUMN \"id\" integer: ALTER COLUMN \"id\" SET "
                                   "NOT NULL",
                                   "stop safe: ALTER COLUMN \"name\" SET DATA TYPE varchar(10) "
                                   "USING \"name\"::text",
                                   "mend safe: ALTER COLUMN \"name\" DROP NOT NULL", "none by hand",
                                   "none by hand", "stop by hand",
                                   "mend refused: ADD PRIMARY KEY (\"id\")"));
  EXPECT_THAT(found(Apply::yes), testing::Contains("mend done: ADD PRIMARY KEY (\"id\")"));
}

TEST_F(ServerDrift, LoadsAreRefusedBeforeTheyRead) {
  make("CREATE TABLE people (id integer PRIMARY KEY, name date)");
  test.drop("a.csv", "id,name\n1,a\n");
  const Receipt refused = test.run("people", "a.csv");
  ASSERT_TRUE(refused.error);
  EXPECT_THAT(refused.error->message,
              "column 'name' of table 'people' is date in the database and varchar(10) in the "
              "project");
  EXPECT_THAT(refused.error->fix, HasSubstr("`weir drift people`"));
  EXPECT_EQ(refused.rows.read, 0u);
  database.write({"DROP TABLE people", "CREATE VIEW people AS SELECT 1 AS id, 'a' AS name"});
  test.drop("b.csv", "id,name\n1,a\n");
  EXPECT_THAT(test.run("people", "b.csv").error->message,
              "table 'people' is a view in the database");
}

TEST_F(ServerDrift, ATypeThatHoldsEveryValueIsHarmless) {
  make("CREATE TABLE people (id bigint PRIMARY KEY, name text)");
  EXPECT_THAT(found(), ElementsAre("none by hand", "none by hand"));
  test.drop("a.csv", "id,name\n1,a\n");
  EXPECT_EQ(test.run("people", "a.csv").status, RunState::succeeded);
  insert("(3000000000, 'far'), (2, 'longer than ten')");
  EXPECT_THAT(found(), ElementsAre("none by hand", "none by hand",
                                   "mend by hand integer | 1 3000000000 (key 3000000000)",
                                   "mend by hand varchar(10) | 1 longer than ten (key 2)"));
}

TEST_F(ServerDrift, ANarrowerTypeIsMendedAndStopsNoLoad) {
  make("CREATE TABLE people (id smallint PRIMARY KEY, name varchar(3))");
  insert("(1, 'a')");
  EXPECT_THAT(found(Apply::yes),
              ElementsAre("mend done: ALTER COLUMN \"id\" SET DATA TYPE integer USING "
                          "\"id\"::integer",
                          "mend done: ALTER COLUMN \"name\" SET DATA TYPE varchar(10)"));
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_THAT(database.query("SELECT * FROM people"), ElementsAre("1|a"));
}

TEST_F(ServerDrift, TypesChangeOnlyWhenEveryValueSurvives) {
  people().columns[1].type = *parse_data_type("decimal(8,2)");
  make("CREATE TABLE people (id real PRIMARY KEY, name double precision)");
  insert("(1, 0.1), (2, 2.5), (3, NULL)");
  EXPECT_THAT(found(), ElementsAre("stop safe: ALTER COLUMN \"id\" SET DATA TYPE integer USING "
                                   "\"id\"::text::integer",
                                   "stop safe: ALTER COLUMN \"name\" SET DATA TYPE numeric(8,2) "
                                   "USING \"name\"::text::numeric(8,2)"));
  insert("(5.5, 2.125), (6e12, 1e12), (7, 'NaN')");
  EXPECT_THAT(found(Apply::yes),
              ElementsAre("stop refused: ALTER COLUMN \"id\" SET DATA TYPE integer USING "
                          "\"id\"::text::integer | 2 5.5 ({\"id\":\"5.5\",\"name\":\"2.125\"})",
                          "stop refused: ALTER COLUMN \"name\" SET DATA TYPE numeric(8,2) USING "
                          "\"name\"::text::numeric(8,2) | 3 2.125 ({\"id\":\"5.5\",\"name\":"
                          "\"2.125\"})"));
  database.write({"DELETE FROM people WHERE id > 3"});
  EXPECT_THAT(found(Apply::yes), testing::SizeIs(2));
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_THAT(database.query("SELECT * FROM people ORDER BY id"),
              ElementsAre("1|0.10", "2|2.50", "3|NULL"));
}

TEST_F(ServerDrift, TimeZonesAreLeftToAPerson) {
  people().columns[1].type = *parse_data_type("timestamptz");
  make("CREATE TABLE people (id integer PRIMARY KEY, name timestamp)");
  EXPECT_THAT(found(Apply::yes), ElementsAre("stop by hand"));
}

TEST_F(ServerDrift, RowsThatBreakTheContractAreCounted) {
  people().columns[1].rules = {{RuleKind::unique, "unique", "", "", "", {}},
                               {RuleKind::matches, "matches 'a+'", "name ~ '^a+$'", "", "", {}}};
  people().columns[0].rules.push_back(
      {RuleKind::references, "references daily_totals(users)", "", "daily_totals", "users", {}});
  make("CREATE TABLE people (id integer NOT NULL, name text)");
  database.write(
      {"CREATE TABLE daily_totals (date date PRIMARY KEY, hits bigint NOT NULL, users "
       "bigint NOT NULL)",
       "INSERT INTO daily_totals SELECT date '2020-01-01' + i, i, i FROM "
       "generate_series(1, 5) i"});
  insert("(1, 'a'), (1, 'aa'), (2, 'a'), (3, NULL), (4, NULL), (5, 'aaaaaaaaaaaa'), (6, 'b')");
  EXPECT_THAT(
      found(Apply::yes),
      ElementsAre("none by hand", "mend by hand key | 2 1",
                  "mend by hand references daily_totals(users) | 1 6 (key 6)",
                  "mend by hand unique | 2 a", "mend by hand varchar(10) | 1 aaaaaaaaaaaa (key 5)",
                  "mend by hand matches 'a+' | 1 b (key 6)",
                  "mend refused: ADD PRIMARY KEY (\"id\")", "mend refused: ADD UNIQUE (\"name\")"));
  EXPECT_THAT(database.query("SELECT count(*) FROM people"), ElementsAre("7"));
}

/// More rows than a slice, and values that only a reading of all of them finds.
TEST_F(ServerDrift, EveryRowIsJudged) {
  people().columns[1].rules = {{RuleKind::compare, "<> 'b'", "name <> 'b'", "", "", {}}};
  make("CREATE TABLE people (id integer PRIMARY KEY, name varchar(10))");
  database.write(
      {"INSERT INTO people SELECT i, CASE WHEN i % 10000 = 9999 THEN 'b' ELSE 'a' END "
       "FROM generate_series(1, 50000) i"});
  EXPECT_THAT(found(), ElementsAre("mend by hand <> 'b' | 5 b (key 9999)"));
}

TEST_F(ServerDrift, WhatTheServerGuardsBesidesIsToldAndHarmless) {
  people().columns[1].rules.push_back({RuleKind::unique, "unique", "", "", "", {}});
  make("CREATE TABLE people (id integer PRIMARY KEY CHECK (id > 0), name varchar(10) UNIQUE)");
  database.write({"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                  "CREATE TRIGGER tr BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION f()",
                  "CREATE UNIQUE INDEX lower_name ON people (lower(name))"});
  EXPECT_THAT(found(), ElementsAre(HasSubstr("lower(("), "none by hand CHECK ((id > 0))",
                                   HasSubstr("CREATE TRIGGER tr")));
  EXPECT_FALSE(drift().any());
}

TEST_F(ServerDrift, AFailingMendingAltersNothing) {
  make("CREATE TABLE people (id smallint, name varchar(10))");
  database.write({"CREATE VIEW looks AS SELECT id FROM people"});
  people().columns.push_back({"more", *parse_data_type("date"), {}, {}});
  const auto drifts = find_drift(test.project, test.resources, people().name, Apply::yes);
  ASSERT_FALSE(drifts);
  EXPECT_EQ(drifts.error().fix, "nothing was altered");
  EXPECT_THAT(database.query("SELECT column_name FROM information_schema.columns WHERE table_name "
                             "= 'people' ORDER BY 1"),
              ElementsAre("id", "name"));
}

}  // namespace
}  // namespace weir::pipeline
