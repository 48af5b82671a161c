#include "pipeline/drift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duckdb/connection.h"
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
  Drift() : connection(*test.resources.duckdb.begin()->second->connect()) {}

  Table& people() { return test.project.tables[2]; }

  /// The table people as `ddl` makes it.
  TableDrift compare(const std::string& ddl) {
    run("DROP TABLE IF EXISTS people; " + ddl);
    auto drift = compare_structure(*connection, people());
    EXPECT_TRUE(drift) << drift.error().to_string();
    return *std::move(drift);
  }
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

}  // namespace
}  // namespace weir::pipeline
