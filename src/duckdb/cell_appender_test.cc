#include "duckdb/cell_appender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duckdb/scan_for_test.h"

namespace weir::duckdb {
namespace {

using server::Cell;
using testing::HasSubstr;

class CellAppenderTest : public testing::Test {
 protected:
  CellAppenderTest() : database_(open_in_memory(1)), connection_(*database_->connect()) {}

  /// Into a table of one column.
  Result<void> append(const std::string& type, const std::vector<Cell>& cells) {
    const DataType parsed = *parse_data_type(type);
    EXPECT_TRUE(connection_->run("CREATE OR REPLACE TEMP TABLE t (v " + sql_type(parsed) + ")"));
    auto appender = *CellAppender::open(*connection_, "t", {{"v", parsed}});
    for (const Cell& cell : cells) WEIR_TRY(appender->row({&cell, 1}));
    return appender->close();
  }
  /// What DuckDB says the table holds.
  std::vector<std::string> held() {
    std::vector<std::string> values;
    const auto rows = *connection_->run("SELECT coalesce(CAST(v AS VARCHAR), 'NULL') FROM t");
    for (size_t i = 0; i < rows.size(); ++i) values.push_back(rows.text(i, 0));
    return values;
  }

  std::unique_ptr<Database> database_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(CellAppenderTest, EveryTypeHoldsWhatTheServerSpells) {
  const struct {
    const char* type;
    std::vector<Cell> cells;
    std::vector<std::string> held;
  } cases[] = {
      {"boolean", {"t", "f", "1", "0", std::nullopt}, {"true", "false", "true", "false", "NULL"}},
      {"smallint", {"-32768"}, {"-32768"}},
      {"bigint", {"9223372036854775807"}, {"9223372036854775807"}},
      {"hugeint",
       {"-170141183460469231731687303715884105728"},
       {"-170141183460469231731687303715884105728"}},
      {"decimal(38,10)",
       {"-9999999999999999999999999999.9999999999"},
       {"-9999999999999999999999999999.9999999999"}},
      {"decimal(4,2)", {"0.10", "-99.99"}, {"0.10", "-99.99"}},
      {"real",
       {"0.1", "NaN", "-Infinity", "3.4028235e+38"},
       {"0.1", "nan", "-inf", "3.4028235e+38"}},
      {"double",
       {"0.30000000000000004", "Infinity", "5e-324", "-0"},
       {"0.30000000000000004", "inf", "5e-324", "-0.0"}},
      {"varchar",
       {"", " 'é' 😀\t\n", "NULL", "a text that does not fit into twelve bytes"},
       {"", " 'é' 😀\t\n", "NULL", "a text that does not fit into twelve bytes"}},
      {"bytes", {"\\x00ff61", "\\x"}, {"\\x00\\xFFa", ""}},
      {"date",
       {"0001-01-01", "9999-12-31", "0044-03-15 BC", "5874897-12-31", "infinity", "-infinity",
        "0001-02-29 BC"},
       {"0001-01-01", "9999-12-31", "0044-03-15 (BC)", "5874897-12-31", "infinity", "-infinity",
        "0001-02-29 (BC)"}},
      {"time",
       {"00:00:00", "23:59:59.999999", "24:00:00"},
       {"00:00:00", "23:59:59.999999", "24:00:00"}},
      {"timestamp",
       {"2024-02-29 23:59:59.000001", "4713-01-01 00:00:00 BC", "infinity",
        "294246-12-31 23:59:59.999999"},
       {"2024-02-29 23:59:59.000001", "4713-01-01 (BC) 00:00:00", "infinity",
        "294246-12-31 23:59:59.999999"}},
      {"uuid", {"80000000-0000-0000-0000-0000000000FF"}, {"80000000-0000-0000-0000-0000000000ff"}},
      {"json", {"{\"b\": 1,  \"a\": \"\\u0041\"}"}, {"{\"b\": 1,  \"a\": \"\\u0041\"}"}},
      {"integer[]",
       {"{1,NULL,-3}", "{}", std::nullopt, "[4, null]"},
       {"[1, NULL, -3]", "[]", "NULL", "[4, NULL]"}},
      {"varchar[]",
       {"{a,\"b \\\"\\\\ {},\",\"NULL\",NULL,\"\"}", "[\"x\\ny\"]"},
       {"[a, 'b \\\"\\\\ {},', 'NULL', NULL, '']", "['x\\ny']"}},
      {"bytes[]", {"{\"\\\\x00ff\"}"}, {"[\\x00\\xFF]"}},
      {"integer[][]", {"{{1,2},{3,NULL}}"}, {"[[1, 2], [3, NULL]]"}},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.type);
    const auto done = append(each.type, each.cells);
    ASSERT_TRUE(done) << done.error().to_string();
    if (std::string_view(each.type) == "varchar[]") continue;  // spelled below
    EXPECT_EQ(held(), each.held);
  }
}

TEST_F(CellAppenderTest, ElementsOfATextListAreWhatTheyWere) {
  ASSERT_TRUE(append("varchar[]", {"{a,\"b \\\"\\\\ {},\",\"NULL\",NULL,\"\"}"}));
  const auto rows =
      *connection_->run("SELECT coalesce(e, '<null>') FROM (SELECT unnest(v) AS e FROM t)");
  std::vector<std::string> elements;
  for (size_t i = 0; i < rows.size(); ++i) elements.push_back(rows.text(i, 0));
  EXPECT_THAT(elements, testing::ElementsAre("a", "b \"\\ {},", "NULL", "<null>", ""));
}

TEST_F(CellAppenderTest, MomentsAreInUtcWithAnOffsetOrWithout) {
  ASSERT_TRUE(
      append("timestamptz", {"2021-06-01 10:00:00+00", "2021-06-01 10:00:00.5",
                             "0044-03-15 00:00:00+00 BC", "infinity", "10000-01-01 00:00:00+00"}));
  const auto rows = *connection_->run(
      "SELECT CAST(epoch_us(v) AS VARCHAR) FROM t WHERE "
      "isfinite(v)");
  EXPECT_EQ(rows.text(0, 0), "1622541600000000");
  EXPECT_EQ(rows.text(1, 0), "1622541600500000");
  EXPECT_EQ(rows.text(2, 0), "-63517824000000000");
  EXPECT_EQ(rows.text(3, 0), "253402300800000000");
}

TEST_F(CellAppenderTest, WhatDuckdbCannotHoldIsRefusedByName) {
  const struct {
    const char* type;
    const char* cell;
  } cases[] = {
      {"decimal(5,2)", "NaN"},
      {"decimal(5,2)", "1.234"},
      {"smallint", "32768"},
      {"boolean", "2"},
      {"date", "0000-00-00"},
      {"date", "2023-02-29"},
      {"time", "-100:00:01"},
      {"timestamp", "294276-12-31 23:59:59"},
      {"timestamp", "2021-06-01 10:00:00+02"},
      {"varchar", "\xff"},
      {"integer[]", "[0:1]={1,2}"},
      {"integer[]", "{{1,2},{3,4}}"},
      {"integer[]", "{1,2"},
      {"json", "\xc3"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(std::string(each.type) + " " + each.cell);
    const auto done = append(each.type, {std::nullopt, each.cell});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::invalid_input);
    EXPECT_THAT(done.error().message, HasSubstr("row 2, column 'v': '"));
    EXPECT_THAT(done.error().message, HasSubstr(std::string("is no ") + each.type));
  }
}

TEST_F(CellAppenderTest, NumbersRowsOfManyChunksInTheirOrder) {
  ASSERT_TRUE(connection_->run("CREATE TEMP TABLE n (v VARCHAR, l INTEGER[], weir_row BIGINT)"));
  auto appender = *CellAppender::open(
      *connection_, "n", {{"v", *parse_data_type("varchar")}, {"l", *parse_data_type("integer[]")}},
      CellAppender::Numbered::yes);
  constexpr int rows = 10'001;
  for (int i = 1; i <= rows; ++i) {
    const Cell cells[] = {
        "value number " + std::to_string(i),
        i % 3 == 0 ? Cell() : "{" + std::to_string(i) + "," + std::to_string(i) + "}"};
    ASSERT_TRUE(appender->row(cells));
    if (i == 7) {
      ASSERT_TRUE(appender->flush());
    }
  }
  ASSERT_TRUE(appender->close());
  EXPECT_EQ(appender->rows(), static_cast<uint64_t>(rows));
  const auto wrong = *connection_->run(
      "SELECT count(*) FILTER (v <> 'value number ' || weir_row OR (l IS NULL) <> (weir_row % 3 = "
      "0) OR coalesce(l <> [weir_row, weir_row], false)), count(DISTINCT weir_row) FROM n");
  EXPECT_EQ(wrong.int64(0, 0), 0);
  EXPECT_EQ(wrong.int64(0, 1), rows);
}

}  // namespace
}  // namespace weir::duckdb
