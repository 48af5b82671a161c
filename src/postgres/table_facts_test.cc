#include "postgres/table_facts.h"

#include <gmock/gmock.h>

#include "postgres/column_for_test.h"
#include "postgres/test_server_for_test.h"
#include "postgres/types.h"

namespace weir::postgres {
namespace {

using server::TypeFit;
using testing::ElementsAre;

class TableFactsTest : public testing::Test {
 protected:
  void execute(const std::string& sql) {
    const auto done = session_->run(sql);
    ASSERT_TRUE(done) << done.error().to_string();
  }
  /// How a column declared as `column` takes values of weir's `type`.
  TypeFit fit(const std::string& type, const std::string& column) {
    execute("CREATE TEMP TABLE fitted (c " + column + ")");
    const auto schema =
        session_->run("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()");
    const auto facts = table_facts(*session_, schema->text(0, 0), "fitted");
    execute("DROP TABLE pg_temp.fitted");
    EXPECT_TRUE(facts && facts->columns.size() == 1) << column;
    return fit_of(type_of(type), facts->columns.front().target);
  }

  std::unique_ptr<server::Connection> session_ = TestServer::shared().connect();
};

TEST_F(TableFactsTest, ATypeFitsAsFarAsItKeepsValues) {
  struct Case {
    const char* type;
    const char* column;
    TypeFit fit;
  };
  constexpr Case cases[] = {
      {"integer", "integer", TypeFit::same},
      {"integer", "bigint", TypeFit::wider},
      {"integer", "numeric", TypeFit::wider},
      {"integer", "numeric(10,0)", TypeFit::wider},
      {"integer", "numeric(9,0)", TypeFit::narrower},
      {"integer", "double precision", TypeFit::wider},
      {"integer", "real", TypeFit::lossy},
      {"integer", "smallint", TypeFit::narrower},
      {"integer", "text", TypeFit::wider},
      {"integer", "date", TypeFit::lossy},
      {"bigint", "double precision", TypeFit::lossy},
      {"bigint", "numeric(18,0)", TypeFit::narrower},
      {"tinyint", "smallint", TypeFit::same},
      {"decimal(9,2)", "numeric(9,2)", TypeFit::same},
      {"decimal(9,2)", "numeric(10,3)", TypeFit::wider},
      {"decimal(9,2)", "numeric(9,3)", TypeFit::narrower},
      {"decimal(9,2)", "numeric(9,1)", TypeFit::narrower},
      {"decimal(9,0)", "integer", TypeFit::wider},
      {"decimal(9,2)", "double precision", TypeFit::lossy},
      {"varchar", "text", TypeFit::same},
      {"varchar", "varchar", TypeFit::same},
      {"varchar(10)", "text", TypeFit::wider},
      {"varchar(10)", "varchar(10)", TypeFit::same},
      {"varchar(10)", "varchar(11)", TypeFit::wider},
      {"varchar(10)", "varchar(9)", TypeFit::narrower},
      {"varchar(10)", "char(10)", TypeFit::narrower},
      {"varchar", "name", TypeFit::lossy},
      {"varchar", "integer", TypeFit::lossy},
      {"double", "real", TypeFit::narrower},
      {"real", "double precision", TypeFit::wider},
      {"timestamp", "timestamp(6)", TypeFit::wider},
      {"timestamp", "timestamp(3)", TypeFit::narrower},
      {"timestamp", "timestamptz", TypeFit::lossy},
      {"json", "json", TypeFit::same},
      {"json", "jsonb", TypeFit::narrower},
      {"json", "text", TypeFit::wider},
      {"integer[]", "integer[]", TypeFit::same},
      {"integer", "integer GENERATED ALWAYS AS (1) STORED", TypeFit::lossy},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(fit(one.type, one.column), one.fit) << one.type << " in " << one.column;
  }
}

TEST_F(TableFactsTest, TellsColumnsAndWhatElseHasTheName) {
  execute("CREATE SCHEMA facts");
  execute("CREATE DOMAIN facts.positive AS integer NOT NULL CHECK (VALUE > 0)");
  execute(
      "CREATE TABLE facts.t (a integer NOT NULL, b text DEFAULT 'x', c facts.positive, d "
      "integer GENERATED ALWAYS AS IDENTITY)");
  execute("CREATE VIEW facts.v AS SELECT 1 AS a");
  const auto facts = *table_facts(*session_, "facts", "t");
  EXPECT_EQ(facts.kind, 'r');
  std::string told;
  for (const ColumnFacts& column : facts.columns) {
    told += column.name + (column.not_null ? "!" : "") + (column.has_default ? "=" : "") + " ";
  }
  EXPECT_EQ(told, "a! b= c! d!= ");
  EXPECT_EQ(facts.columns[2].target.name, "integer");
  EXPECT_EQ(table_facts(*session_, "facts", "v")->kind, 'v');
  EXPECT_EQ(table_facts(*session_, "facts", "T")->kind, 0);
  EXPECT_EQ(table_facts(*session_, "", "t")->kind, 0);
  execute("DROP SCHEMA facts CASCADE");
}

TEST_F(TableFactsTest, TellsWhatGuardsTheRows) {
  execute("CREATE SCHEMA guards");
  execute("CREATE TABLE guards.p (x integer, y integer, PRIMARY KEY (y, x))");
  execute(
      "CREATE TABLE guards.t (a integer UNIQUE, b integer, c integer CHECK (c > 0), FOREIGN "
      "KEY (b, c) REFERENCES guards.p (y, x))");
  execute("CREATE UNIQUE INDEX part ON guards.t (c) WHERE c > 5");
  execute("CREATE UNIQUE INDEX whole ON guards.t (c, b) INCLUDE (a)");
  const auto guards = *table_guards(*session_, "guards", "t");
  std::vector<std::string> told;
  for (const server::TableGuard& guard : guards) {
    std::string line = guard.name + ":";
    for (const std::string& column : guard.columns) line += " " + column;
    if (!guard.parent.empty()) line += " -> " + guard.parent;
    for (const std::string& column : guard.parent_columns) line += " " + column;
    told.push_back(line);
  }
  EXPECT_THAT(told, ElementsAre("part:", "t_a_key: a", "whole: c b", "t_b_c_fkey: b c -> p y x",
                                "t_c_check: c"));
  EXPECT_EQ(guards[4].definition, "CHECK ((c > 0))");
  execute("DROP SCHEMA guards CASCADE");
}

}  // namespace
}  // namespace weir::postgres
