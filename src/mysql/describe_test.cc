#include <gmock/gmock.h>

#include "mysql/connection.h"
#include "mysql/test_server_for_test.h"

// What a query gives, as the server tells it.

namespace weir::mysql {
namespace {

using server::QueryColumn;
using testing::ElementsAre;
using testing::IsEmpty;

class DescribeTest : public testing::Test {
 protected:
  DescribeTest() : session_(std::move(*connect(shared_server().options()))) {}

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

  std::unique_ptr<server::Connection> session_;
};

TEST_F(DescribeTest, TypesAreThoseOfATablesColumns) {
  ASSERT_TRUE(session_->run(
      "CREATE OR REPLACE TABLE described (a BOOLEAN, b TINYINT, c TINYINT UNSIGNED, d SMALLINT, e "
      "INT UNSIGNED, f BIGINT, g BIGINT UNSIGNED, h FLOAT, i DOUBLE, j DECIMAL(20,3), k "
      "DECIMAL(38,0) UNSIGNED, l DECIMAL(39,0), m DECIMAL(50,2), n VARCHAR(9), o LONGTEXT, p "
      "VARBINARY(9), q LONGBLOB, r DATE, s TIME(6), t DATETIME(6), u TIMESTAMP NULL, v JSON, w "
      "UUID, x ENUM('a'), y BIT(1), z YEAR)"));
  EXPECT_THAT(described("SELECT * FROM described"),
              ElementsAre("a boolean", "b tinyint", "c smallint", "d smallint", "e bigint",
                          "f bigint", "g decimal(20,0)", "h real", "i double", "j decimal(20,3)",
                          "k decimal(38,0)", "l hugeint", "m varchar", "n varchar", "o varchar",
                          "p bytes", "q bytes", "r date", "s time", "t timestamp", "u timestamptz",
                          "v json", "w uuid", "x varchar", "y boolean", "z integer"));
  EXPECT_THAT(
      described("SELECT SUM(d) AS s, COUNT(*) AS n, AVG(j) AS a, MAX(f) AS m FROM described"),
      ElementsAre("s decimal(27,0)", "n bigint", "a decimal(24,7)", "m bigint"));
}

TEST_F(DescribeTest, NothingIsRun) {
  ASSERT_TRUE(session_->run("CREATE OR REPLACE TABLE kept (a INT)"));
  EXPECT_THAT(described("INSERT INTO kept VALUES (1) RETURNING a"), IsEmpty())
      << "MariaDB tells of these columns when it has done it";
  EXPECT_THAT(described("DELETE FROM kept"), IsEmpty());
  EXPECT_EQ(session_->run("SELECT 1 FROM kept")->size(), 0u);
  const auto day = session_->describe("SELECT CAST($1 AS date) AS day", 1);
  ASSERT_TRUE(day);
  EXPECT_THAT(spelled(*day), ElementsAre("day date"));
  EXPECT_FALSE(session_->describe("SELECT ? AS a"));
}

TEST_F(DescribeTest, AStreamTellsItsColumnsFirst) {
  for (const char* sql : {"SELECT 7 AS n", "SELECT 7 AS n FROM (SELECT 1) AS t WHERE FALSE"}) {
    std::vector<std::string> told;
    const auto streamed = session_->stream(
        sql, {},
        [&](std::span<const server::Cell> row) {
          told.push_back(*row[0]);
          return true;
        },
        [&](const std::vector<QueryColumn>& columns) {
          for (std::string& column : spelled(columns)) told.push_back(std::move(column));
          return true;
        });
    ASSERT_TRUE(streamed) << streamed.error().to_string();
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told[0], "n integer");
    EXPECT_EQ(told.size(), std::string_view(sql).ends_with("FALSE") ? 1u : 2u);
  }
}

TEST_F(DescribeTest, ASnapshotChangesNothing) {
  ASSERT_TRUE(session_->run("CREATE OR REPLACE TABLE only_read (a INT)"));
  ASSERT_TRUE(session_->begin_snapshot());
  EXPECT_FALSE(session_->run("INSERT INTO only_read VALUES (1)"));
  EXPECT_EQ(session_->refusal().state, "25006");
  EXPECT_FALSE(session_->run("DROP TABLE only_read"));
  session_->rollback();
  EXPECT_TRUE(session_->run("INSERT INTO only_read VALUES (1)"));
}

}  // namespace
}  // namespace weir::mysql
