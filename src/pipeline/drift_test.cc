#include "pipeline/drift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duckdb/connection.h"
#include "pipeline/find_drift.h"
#include "pipeline/table_load.h"
#include "pipeline/test_project.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Differences as "effect kind column".
std::vector<std::string> told(const TableDrift& drift) {
  const char* const effects[] = {"none", "mend", "stop"};
  const char* const kinds[] = {"table", "view", "missing",    "extra",
                               "type",  "null", "constraint", "rows"};
  std::vector<std::string> lines;
  for (const Difference& found : drift.differences) {
    lines.push_back(std::string(effects[static_cast<int>(found.effect)]) + " " +
                    kinds[static_cast<int>(found.kind)] + " " + found.column);
  }
  return lines;
}

class Drift : public testing::Test {
 protected:
  Drift() : connection(*test.database().connect()) {}

  Table& people() { return test.project.tables[2]; }

  TableDrift compare(const std::string& ddl) {
    make(ddl);
    auto drift = compare_structure(*connection, people());
    EXPECT_TRUE(drift) << drift.error().to_string();
    return *std::move(drift);
  }
  /// The differences of people: "mending: ddl; ddl | rows example".
  std::vector<std::string> found(Apply apply = Apply::no) {
    const auto drifts = find_drift(test.project, test.resources, people().name, apply);
    if (!drifts) return {drifts.error().to_string()};
    std::vector<std::string> lines;
    const char* const words[] = {"safe", "unchecked", "refused", "by hand", "done"};
    for (const Difference& difference : drifts->front().differences) {
      std::string line = words[static_cast<int>(difference.mending)];
      for (const std::string& ddl : difference.ddl) {
        line += ": " + ddl.substr(ddl.find("\"people\"") + 9);
      }
      if (difference.kind == DriftKind::rows) line += " " + difference.wanted;
      if (difference.rows > 0) {
        line += " | " + std::to_string(difference.rows) + " " + difference.example;
      }
      lines.push_back(line);
    }
    return lines;
  }
  /// The table people as `ddl` makes it.
  void make(const std::string& ddl) { run("DROP TABLE IF EXISTS people; " + ddl); }
  void run(const std::string& sql) {
    const auto done = connection->run(sql);
    ASSERT_TRUE(done) << done.error().to_string();
  }

  TestProject test;
  std::unique_ptr<duckdb::Connection> connection;
};

TEST_F(Drift, TheTableWeirMakesIsTheDictionarys) {
  for (Table& table : test.project.tables) {
    table.schema = "other";
    table.lineage = true;
    EXPECT_THAT(told(*compare_structure(*connection, table)), ElementsAre("mend table "));
    ASSERT_TRUE(ensure_table(*connection, table));
    EXPECT_THAT(told(*compare_structure(*connection, table)), IsEmpty());
  }
}

TEST_F(Drift, EveryDifferenceIsTold) {
  const auto drift = compare(
      "CREATE TABLE people (name INTEGER NOT NULL, note VARCHAR, made DATE NOT NULL DEFAULT "
      "DATE '2020-01-01', who VARCHAR NOT NULL)");
  EXPECT_THAT(told(drift), ElementsAre("stop missing id", "stop type name", "stop null name",
                                       "none extra note", "none extra made", "stop extra who"));
  EXPECT_THAT(drift.differences[0].ddl,
              ElementsAre("ALTER TABLE \"main\".\"people\" ADD COLUMN \"id\" INTEGER"));
  EXPECT_THAT(drift.differences[1].ddl,
              ElementsAre("ALTER TABLE \"main\".\"people\" ALTER COLUMN \"name\" SET DATA TYPE "
                          "VARCHAR"));
  EXPECT_THAT(drift.differences[1].message,
              "column 'name' of table 'people' is INTEGER in the database and VARCHAR in the "
              "project");
}

TEST_F(Drift, CaseAndOrderOfColumnsAreNoDifference) {
  EXPECT_THAT(told(compare("CREATE TABLE People (NAME VARCHAR, ID INTEGER NOT NULL)")), IsEmpty());
}

TEST_F(Drift, ANullableKeyIsToldAndStopsNoLoad) {
  const auto drift = compare("CREATE TABLE people (id INTEGER, name VARCHAR)");
  EXPECT_THAT(told(drift), ElementsAre("mend null id"));
  EXPECT_TRUE(drift.any());
  EXPECT_TRUE(refuse_drift(drift));
}

TEST_F(Drift, AHarmlessColumnIsNoDrift) {
  const auto drift = compare("CREATE TABLE people (id INTEGER NOT NULL, name VARCHAR, x DATE)");
  EXPECT_FALSE(drift.any());
  EXPECT_FALSE(drift.stops_loads());
}

TEST_F(Drift, AViewIsNoTable) {
  const auto drift = compare("CREATE VIEW people AS SELECT 1 AS id, 'a' AS name");
  EXPECT_THAT(told(drift), ElementsAre("stop view "));
}

TEST_F(Drift, TheRefusalNamesTableColumnDifferenceAndVerb) {
  const auto drift = compare("CREATE TABLE people (id BIGINT NOT NULL)");
  const auto refused = refuse_drift(drift);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::sql);
  EXPECT_EQ(refused.error().message,
            "column 'id' of table 'people' is BIGINT in the database and INTEGER in the project "
            "(and 1 more difference)");
  EXPECT_THAT(refused.error().fix, HasSubstr("`weir drift people`"));
}

TEST_F(Drift, ATableAlteredBetweenTwoLoadsIsNoticed) {
  test.drop("a.csv", "id,name\n1,a\n");
  test.drop("b.csv", "id,name\n2,b\n");
  test.drop("c.csv", "id,name\n2,b\n");
  EXPECT_EQ(test.run("people", "a.csv").status, RunState::succeeded);
  run("ALTER TABLE people ALTER id SET DATA TYPE BIGINT");
  const Receipt refused = test.run("people", "b.csv");
  EXPECT_EQ(refused.status, RunState::failed);
  ASSERT_TRUE(refused.error);
  EXPECT_THAT(refused.error->fix, HasSubstr("weir drift"));
  EXPECT_EQ(refused.rows.read, 0u);
  run("DROP TABLE people");
  EXPECT_EQ(test.run("people", "c.csv").status, RunState::succeeded);
  EXPECT_THAT(test.query("SELECT * FROM people"), ElementsAre("2|b"));
}

TEST_F(Drift, TypesChangeWhenEveryValueSurvives) {
  make("CREATE TABLE people AS SELECT CAST(x AS BIGINT) AS id, 'n' AS name FROM range(3) r(x)");
  EXPECT_THAT(found(), ElementsAre("safe: ALTER COLUMN \"id\" SET DATA TYPE INTEGER",
                                   "safe: ALTER COLUMN \"id\" SET NOT NULL"));
  EXPECT_THAT(found(Apply::yes), ElementsAre("done: ALTER COLUMN \"id\" SET DATA TYPE INTEGER",
                                             "done: ALTER COLUMN \"id\" SET NOT NULL"));
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_THAT(test.query("SELECT id, name FROM people"), ElementsAre("0|n", "1|n", "2|n"));
}

TEST_F(Drift, LossyChangesAreRefusedWithACountAndAnExample) {
  make("CREATE TABLE people (id DOUBLE NOT NULL, name VARCHAR)");
  run("INSERT INTO people VALUES (1, 'a'), (2.5, 'b'), (1e12, 'c')");
  const std::vector<std::string> expected = {
      "refused: ALTER COLUMN \"id\" SET DATA TYPE INTEGER | 2 2.5 ({\"id\":2.5,\"name\":\"b\"})"};
  EXPECT_EQ(found(), expected);
  EXPECT_EQ(found(Apply::yes), expected);
  EXPECT_THAT(test.query("SELECT typeof(id), sum(id) FROM people GROUP BY 1"),
              ElementsAre("DOUBLE|1000000000003.5"));
}

TEST_F(Drift, TextBecomesATypeWhenWeirWouldTakeIt) {
  people().columns[1].type = *parse_data_type("date");
  make("CREATE TABLE people (id INTEGER NOT NULL, name VARCHAR)");
  run("INSERT INTO people VALUES (1, '2017-07-01'), (2, NULL)");
  EXPECT_THAT(found(), ElementsAre("safe: ALTER COLUMN \"name\" SET DATA TYPE DATE"));
  run("INSERT INTO people VALUES (3, '2017/07/01')");  // DuckDB's cast would take it
  EXPECT_THAT(found(), ElementsAre("refused: ALTER COLUMN \"name\" SET DATA TYPE DATE | 1 "
                                   "2017/07/01 (key 3)"));
}

TEST_F(Drift, TimeZonesAreLeftToAPerson) {
  people().columns[1].type = *parse_data_type("timestamptz");
  make("CREATE TABLE people (id INTEGER NOT NULL, name TIMESTAMP)");
  EXPECT_THAT(found(Apply::yes), ElementsAre("by hand"));
}

TEST_F(Drift, JsonAndTextKeepTheirText) {
  make("CREATE TABLE people (id INTEGER NOT NULL, name JSON)");
  run("INSERT INTO people VALUES (1, '\"a\"'), (2, '{\"b\": 1}')");
  EXPECT_THAT(found(Apply::yes), ElementsAre("done: ALTER COLUMN \"name\" SET DATA TYPE VARCHAR"));
  people().columns[1].type = *parse_data_type("json");
  EXPECT_THAT(found(Apply::yes), ElementsAre("done: ALTER COLUMN \"name\" SET DATA TYPE JSON"));
  EXPECT_THAT(test.query("SELECT name FROM people ORDER BY id"),
              ElementsAre("\"a\"", "{\"b\": 1}"));
}

TEST_F(Drift, NotNullWaitsForValues) {
  make("CREATE TABLE people (id INTEGER, name VARCHAR NOT NULL)");
  run("INSERT INTO people VALUES (NULL, 'a')");
  EXPECT_THAT(found(Apply::yes),
              ElementsAre("done: ALTER COLUMN \"name\" DROP NOT NULL",
                          "refused: ALTER COLUMN \"id\" SET NOT NULL | 1 key NULL"));
}

TEST_F(Drift, MissingColumnsAreAdded) {
  people().lineage = true;
  make("CREATE TABLE people (name VARCHAR)");
  EXPECT_THAT(found(Apply::yes),
              ElementsAre("done: ADD COLUMN \"id\" INTEGER: ALTER COLUMN \"id\" SET NOT NULL",
                          "done: ADD COLUMN \"weir_run\" VARCHAR",
                          "done: ADD COLUMN \"weir_element\" BIGINT"));
  make("CREATE TABLE people AS SELECT 'a' AS name");
  EXPECT_THAT(
      found(Apply::yes),
      ElementsAre("done: ADD COLUMN \"id\" INTEGER | 1 ", "done: ADD COLUMN \"weir_run\" VARCHAR",
                  "done: ADD COLUMN \"weir_element\" BIGINT",
                  "refused: ALTER COLUMN \"id\" SET NOT NULL | 1 key NULL"));
}

TEST_F(Drift, RowsThatBreakTheContractAreCounted) {
  people().columns[1].rules = {{RuleKind::unique, "unique", "", "", "", {}},
                               {RuleKind::matches, "matches 'a+'", "name ~ '^a+$'", "", "", {}}};
  make("CREATE TABLE people (id INTEGER NOT NULL, name VARCHAR)");
  run("INSERT INTO people VALUES (1, 'a'), (1, 'aa'), (2, 'a'), (3, NULL), (4, NULL), "
      "(5, 'aaaaaaaaaaaa'), (6, 'b')");
  EXPECT_THAT(found(Apply::yes), ElementsAre("by hand key | 2 1", "by hand unique | 2 a",
                                             "by hand varchar(10) | 1 aaaaaaaaaaaa (key 5)",
                                             "by hand matches 'a+' | 1 b (key 6)"));
  EXPECT_THAT(test.query("SELECT count(*) FROM people"), ElementsAre("7"));
}

TEST_F(Drift, OrphansAreCounted) {
  Table& totals = test.project.tables[1];
  totals.columns[1].rules.push_back(
      {RuleKind::references, "references people", "", "people", "", {}});
  totals.columns[1].type = *parse_data_type("integer");
  run("CREATE OR REPLACE TABLE daily_totals (date DATE NOT NULL, hits INTEGER NOT NULL, users "
      "BIGINT NOT NULL)");
  run("INSERT INTO people VALUES (1, 'a')");
  run("INSERT INTO daily_totals VALUES ('2020-01-01', 1, 1), ('2020-01-02', 7, 1)");
  const auto drifts = find_drift(test.project, test.resources, totals.name, Apply::no);
  ASSERT_TRUE(drifts) << drifts.error().to_string();
  EXPECT_THAT(told(drifts->front()), ElementsAre("mend rows hits"));
  EXPECT_EQ(drifts->front().differences[0].rows, 1u);
  EXPECT_EQ(drifts->front().differences[0].example, "7 (key 2020-01-02)");
}

TEST_F(Drift, ConstraintsOfTheDatabaseAreToldAndHarmless) {
  make("CREATE TABLE people (id INTEGER NOT NULL, name VARCHAR UNIQUE, CHECK (id > 0))");
  const auto drifts = find_drift(test.project, test.resources, people().name, Apply::no);
  ASSERT_TRUE(drifts);
  EXPECT_THAT(told(drifts->front()), ElementsAre("none constraint ", "none constraint "));
}

TEST_F(Drift, AFailingMendingAltersNothing) {
  // An index depends on the column: DuckDB refuses to change its type.
  make("CREATE TABLE people (id BIGINT, name VARCHAR, PRIMARY KEY (id))");
  run("ALTER TABLE people ADD COLUMN extra DATE");
  people().columns.push_back({"more", *parse_data_type("date"), {}, {}});
  const auto drifts = find_drift(test.project, test.resources, people().name, Apply::yes);
  ASSERT_FALSE(drifts);
  EXPECT_EQ(drifts.error().fix, "nothing was altered");
  EXPECT_THAT(test.query("SELECT column_name FROM duckdb_columns() WHERE table_name = 'people'"),
              ElementsAre("id", "name", "extra"));
}

TEST_F(Drift, AParentWithoutTheColumnAskedForStopsALoad) {
  Table& child = test.project.tables[2];
  child.columns[0].rules.push_back(
      {RuleKind::references, "references daily_totals(users)", "", "daily_totals", "users", {}});
  child.columns[0].type = *parse_data_type("bigint");
  run("DROP TABLE people; INSERT INTO daily_totals VALUES ('2020-01-01', 1, 1), ('2020-01-02', 1, "
      "2), ('2020-01-03', 1, 3)");
  test.executor = *make_executor(test.project, test.resources, test.clock);
  test.drop("a.csv", "id,name\n1,a\n");
  test.drop("b.csv", "id,name\n2,b\n");
  test.drop("c.csv", "id,name\n3,c\n");
  EXPECT_EQ(test.run("people", "a.csv").status, RunState::succeeded);
  run("ALTER TABLE daily_totals DROP hits");  // nobody asks for it here
  EXPECT_EQ(test.run("people", "b.csv").status, RunState::succeeded);
  run("ALTER TABLE daily_totals RENAME users TO visitors");
  const Receipt refused = test.run("people", "c.csv");
  ASSERT_TRUE(refused.error);
  EXPECT_THAT(refused.error->fix, HasSubstr("weir drift daily_totals"));
}

}  // namespace
}  // namespace weir::pipeline
