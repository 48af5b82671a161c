#include "mysql/types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mysql/connection.h"
#include "mysql/test_server_for_test.h"

namespace weir::mysql {
namespace {

using ::testing::HasSubstr;

constexpr Dialect mariadb{true, 101'100};
constexpr Dialect mysql{false, 80'036};

DataType type(const char* text) { return parse_data_type(text).value(); }

std::string ddl(const char* text, const Dialect& dialect = mariadb, int key_columns = 0) {
  return column_type(type(text), dialect, "`c`", key_columns).value();
}

TEST(Types, TheDialectIsReadFromTheVersion) {
  EXPECT_EQ(dialect_of("MariaDB 10.11.6").release, 101'106U);
  EXPECT_TRUE(dialect_of("MariaDB 10.11.6").mariadb);
  EXPECT_EQ(dialect_of("MySQL 8.0.36").release, 80'036U);
  EXPECT_FALSE(dialect_of("MySQL 8.0.36").mariadb);
}

TEST(Types, EachDialectHasItsOwn) {
  EXPECT_EQ(ddl("varchar(20)"), "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin");
  EXPECT_EQ(ddl("varchar(20)", mysql),
            "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin");
  EXPECT_EQ(ddl("uuid"), "char(36) CHARACTER SET ascii COLLATE ascii_bin");
  EXPECT_EQ(ddl("uuid", mysql), "char(36) CHARACTER SET ascii COLLATE ascii_bin");
  EXPECT_EQ(ddl("hugeint"), "decimal(39,0)");
  EXPECT_THAT(ddl("integer[]", mysql), HasSubstr("CHECK (json_valid(`c`))"));
}

TEST(Types, KeysAreBounded) {
  EXPECT_THAT(ddl("varchar"), HasSubstr("longtext"));
  EXPECT_THAT(ddl("varchar", mariadb, 1), HasSubstr("varchar(768)"));
  EXPECT_THAT(ddl("varchar", mariadb, 3), HasSubstr("varchar(256)"));
  EXPECT_EQ(ddl("bytes", mariadb, 2), "varbinary(1536)");
  for (const char* refused : {"varchar(769)", "json", "integer[]"}) {
    const auto result = column_type(type(refused), mariadb, "`c`", 1);
    ASSERT_FALSE(result) << refused;
    EXPECT_EQ(result.error().code, ErrorCode::invalid_project);
  }
}

TEST(Types, WhatAKeyTakesIsCounted) {
  EXPECT_EQ(bytes_in_key(type("varchar(20)"), 2), 80);
  EXPECT_EQ(bytes_in_key(type("varchar"), 2), 1536);
  EXPECT_EQ(bytes_in_key(type("bytes"), 1), longest_key);
  EXPECT_EQ(bytes_in_key(type("uuid"), 1), 36);
}

TEST(Types, AScaleAbove30IsRefused) {
  EXPECT_EQ(ddl("decimal(38,30)"), "decimal(38,30)");
  const auto refused = column_type(type("decimal(38,31)"), mariadb, "`c`");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("decimal(38,31) of column `c`"));
}

TEST(Types, WhatIsCreatedIsRecognised) {
  const auto session = connect(shared_server().options()).value();
  const Dialect dialect = dialect_of(session->version());
  const std::vector<const char*> all = {
      "boolean",        "tinyint", "smallint",       "integer",      "bigint",    "hugeint",
      "real",           "double",  "decimal(38,30)", "decimal(5,0)", "varchar",   "varchar(20)",
      "varchar(20000)", "bytes",   "date",           "time",         "timestamp", "timestamptz",
      "uuid",           "json",    "varchar[]"};
  std::string sql = "CREATE OR REPLACE TABLE every_type (k " +
                    column_type(type("varchar"), dialect, "`k`", 1).value() + " PRIMARY KEY";
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string name = "c" + std::to_string(i);
    sql += ", " + name + " " + column_type(type(all[i]), dialect, "`" + name + "`").value();
  }
  const auto created = session->run(sql + ") ENGINE = InnoDB");
  ASSERT_TRUE(created) << created.error().to_string();
  const auto columns = columns_of(*session, "", "every_type").value();
  ASSERT_EQ(columns.size(), all.size() + 1);
  EXPECT_EQ(columns[0].key_position, 1);
  EXPECT_TRUE(columns[0].holds(type("varchar")));
  EXPECT_FALSE(columns[0].nullable);
  for (size_t i = 0; i < all.size(); ++i) {
    const ColumnFacts& facts = columns[i + 1];
    EXPECT_TRUE(facts.holds(type(all[i]))) << all[i] << " is " << facts.column_type;
    EXPECT_FALSE(facts.holds(type(std::string(all[i]) == "date" ? "time" : "date")));
    ASSERT_TRUE(facts.data_type()) << all[i];
    const std::string back = facts.data_type()->to_string();
    const std::string given = all[i];
    if (given == "timestamptz")
      EXPECT_EQ(back, "timestamp");
    else if (given == "varchar[]")
      EXPECT_EQ(back, "json");
    else if (given == "varchar(20000)")
      EXPECT_EQ(back, "varchar");
    else
      EXPECT_EQ(back, given);
  }
  EXPECT_TRUE(columns_of(*session, "shop", "none").value().empty());
}

TEST(Types, AForeignTableIsSeenAsItIs) {
  const auto session = connect(shared_server().options()).value();
  ASSERT_TRUE(session->run(
      "CREATE OR REPLACE TABLE foreign_table (a INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, "
      "b BIGINT UNSIGNED NOT NULL DEFAULT 7, c ENUM('x'), d VARCHAR(9) COLLATE utf8mb4_general_ci, "
      "e VARCHAR(9) COLLATE utf8mb4_bin, f INT AS (a + 1), g TIMESTAMP NULL, h DECIMAL(60,2))"));
  const auto columns = columns_of(*session, "", "foreign_table").value();
  ASSERT_EQ(columns.size(), 8U);
  EXPECT_EQ(columns[0].data_type()->to_string(), "bigint");
  EXPECT_TRUE(columns[0].auto_increment);
  EXPECT_EQ(columns[1].data_type()->to_string(), "decimal(20,0)");
  EXPECT_EQ(columns[1].default_value, "7");
  EXPECT_FALSE(columns[2].data_type());
  EXPECT_FALSE(columns[3].tells_text_apart());
  EXPECT_FALSE(columns[4].tells_text_apart()) << "utf8mb4_bin pads";
  EXPECT_TRUE(columns[5].generated);
  EXPECT_EQ(columns[6].data_type()->to_string(), "timestamptz");
  EXPECT_FALSE(columns[7].data_type());
}

TEST(Types, AnEngineTellsWhetherItHasTransactions) {
  const auto session = connect(shared_server().options()).value();
  ASSERT_TRUE(session->run("CREATE OR REPLACE TABLE safe (a INT) ENGINE = InnoDB"));
  ASSERT_TRUE(session->run("CREATE OR REPLACE TABLE unsafe (a INT) ENGINE = MyISAM"));
  EXPECT_TRUE(engine_of(*session, "shop", "safe").value()->transactional);
  EXPECT_FALSE(engine_of(*session, "shop", "unsafe").value()->transactional);
  EXPECT_EQ(engine_of(*session, "", "unsafe").value()->name, "MyISAM");
  EXPECT_FALSE(engine_of(*session, "", "none").value());
}

}  // namespace
}  // namespace weir::mysql
