#include <gmock/gmock.h>

#include "postgres/column_for_test.h"
#include "postgres/test_server_for_test.h"

// What a query gives, as the server tells it.

namespace weir::postgres {
namespace {

using server::Cell;
using server::QueryColumn;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DescribeTest : public testing::Test {
 protected:
  /// "name type" of each column.
  std::vector<std::string> described(const std::string& sql) {
    const auto columns = session_->describe(sql);
    EXPECT_TRUE(columns) << columns.error().to_string();
    return columns ? spelled(*columns) : std::vector<std::string>();
  }
  static std::vector<std::string> spelled(const std::vector<QueryColumn>& columns) {
    std::vector<std::string> all;
    for (const QueryColumn& column : columns) {
      all.push_back(column.name + " " + column.type.to_string());
    }
    return all;
  }

  std::unique_ptr<server::Connection> session_ = TestServer::shared().connect();
};

TEST_F(DescribeTest, TypesAreWeirsWhereItHasThem) {
  EXPECT_THAT(described("SELECT true AS a, 1::int2 AS b, 1 AS c, 1::int8 AS d, 1::oid AS e, "
                        "1::float4 AS f, 1::float8 AS g"),
              ElementsAre("a boolean", "b smallint", "c integer", "d bigint", "e bigint", "f real",
                          "g double"));
  EXPECT_THAT(described("SELECT 1::numeric(20,3) AS a, 1::numeric(38,38) AS b, 1::numeric(39,0) AS "
                        "c, 1::numeric AS d, 1::numeric(5,-2) AS e, 1::numeric(40,2) AS f, "
                        "sum(x) AS g FROM (VALUES (1::int8)) v (x)"),
              ElementsAre("a decimal(20,3)", "b decimal(38,38)", "c hugeint", "d varchar",
                          "e varchar", "f varchar", "g varchar"));
  EXPECT_THAT(
      described("SELECT ''::text AS a, ''::varchar(9) AS b, ''::char(3) AS c, ''::bytea AS d, "
                "now()::date AS e, now()::time AS f, now()::timestamp(3) AS g, now() AS h, "
                "gen_random_uuid() AS i, '1'::json AS j, '1'::jsonb AS k"),
      ElementsAre("a varchar", "b varchar", "c varchar", "d bytes", "e date", "f time",
                  "g timestamp", "h timestamptz", "i uuid", "j json", "k json"));
  EXPECT_THAT(
      described("SELECT '{1}'::int4[] AS a, '{1}'::numeric(9,2)[] AS b, '{a}'::text[] AS c, "
                "now() - now() AS d, '1.1.1.1'::inet AS e, NULL AS f"),
      ElementsAre("a integer[]", "b decimal(9,2)[]", "c varchar[]", "d varchar", "e varchar",
                  "f varchar"));
}

TEST_F(DescribeTest, ADomainIsWhatIsBelowIt) {
  ASSERT_TRUE(session_->run("CREATE DOMAIN amount AS numeric(12,2) CHECK (value > 0)"));
  ASSERT_TRUE(session_->run("CREATE TYPE temper AS ENUM ('sad', 'happy')"));
  EXPECT_THAT(described("SELECT 1::amount AS a, 'sad'::temper AS m"),
              ElementsAre("a decimal(12,2)", "m varchar"));
}

TEST_F(DescribeTest, NothingIsRun) {
  ASSERT_TRUE(session_->run("CREATE TEMP TABLE kept (a int)"));
  EXPECT_THAT(described("INSERT INTO kept VALUES (1) RETURNING a"), ElementsAre("a integer"));
  EXPECT_THAT(described("DELETE FROM kept"), IsEmpty());
  EXPECT_EQ(session_->run("SELECT 1 FROM kept")->size(), 0u);
  EXPECT_THAT(described("SELECT CAST($1 AS date) AS day"), ElementsAre("day date"));
}

TEST_F(DescribeTest, ARefusalSaysWhere) {
  const auto columns = session_->describe("SELECT 'é', nam FROM (SELECT 1 AS name) AS t");
  ASSERT_FALSE(columns);
  EXPECT_EQ(columns.error().code, ErrorCode::sql);
  EXPECT_EQ(session_->refusal().position, 13u) << "in characters";
  EXPECT_TRUE(session_->describe("SELECT 1"));
  EXPECT_EQ(session_->refusal().position, 0u);
}

TEST_F(DescribeTest, AStreamTellsItsColumnsFirst) {
  for (const char* sql : {"SELECT 7 AS n, 'x' AS t", "SELECT 7 AS n, 'x' AS t WHERE false"}) {
    std::vector<std::string> told;
    const auto streamed = session_->stream(
        sql, {},
        [&](std::span<const Cell> row) {
          told.push_back(*row[0] + *row[1]);
          return true;
        },
        [&](const std::vector<QueryColumn>& columns) {
          for (std::string& column : spelled(columns)) told.push_back(std::move(column));
          return true;
        });
    ASSERT_TRUE(streamed) << streamed.error().to_string();
    ASSERT_GE(told.size(), 2u);
    EXPECT_EQ(told[0], "n integer");
    EXPECT_EQ(told[1], "t varchar");
    EXPECT_EQ(told.size(), std::string_view(sql).ends_with("false") ? 2u : 3u);
  }
  uint64_t rows = 0;
  const auto declined = session_->stream(
      "SELECT generate_series(1, 5)", {}, [&](std::span<const Cell>) { return ++rows > 0; },
      [](const std::vector<QueryColumn>&) { return false; });
  EXPECT_TRUE(declined);
  EXPECT_EQ(rows, 0u);
}

TEST_F(DescribeTest, ATransactionThatReadsChangesNothing) {
  ASSERT_TRUE(session_->run("CREATE TABLE IF NOT EXISTS read_only_rows (a int)"));
  ASSERT_TRUE(session_->begin_snapshot());
  const auto refused = session_->run("INSERT INTO read_only_rows VALUES (1)");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("(25006)"));
  EXPECT_EQ(session_->refusal().state, "25006");
  session_->rollback();
  ASSERT_TRUE(session_->begin());
  EXPECT_TRUE(session_->run("INSERT INTO read_only_rows VALUES (1)"));
  session_->rollback();
}

}  // namespace
}  // namespace weir::postgres
