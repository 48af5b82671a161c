#include "pipeline/conversion.h"

#include <gtest/gtest.h>

#include "duckdb/connection.h"

namespace weir::pipeline {
namespace {

class ConversionTest : public testing::Test {
 protected:
  ConversionTest() {
    database_ = std::move(*duckdb::Database::open({"", "", 64u << 20, 1}));
    connection_ = std::move(*database_->connect());
  }
  /// The converted value as text, "NULL", or why it cannot be.
  std::string convert_to(const std::string& sql, const std::string& type) {
    const auto columns = connection_->describe("SELECT " + sql + " AS v");
    if (!columns) return columns.error().to_string();
    const auto conversion = convert(*database_, "v", columns->front().type, *parse_data_type(type));
    if (!conversion) return "refused";
    const auto rows = connection_->run("SELECT CAST(" + conversion->sql +
                                       " AS VARCHAR) FROM (SELECT " + sql + " AS v)");
    if (!rows) return rows.error().to_string();
    return rows->is_null(0, 0) ? "NULL" : rows->text(0, 0);
  }
  std::unique_ptr<duckdb::Database> database_;
  std::unique_ptr<duckdb::Connection> connection_;
};

TEST_F(ConversionTest, KeepsTheValueOrRefusesIt) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"12.345::DECIMAL(10,3)", "decimal(5,2)", "NULL"},
      {"12.340::DECIMAL(10,3)", "decimal(5,2)", "12.34"},
      {"1.7::DOUBLE", "integer", "NULL"},
      {"2.0::DOUBLE", "integer", "2"},
      {"'1.7'", "integer", "NULL"},
      {"'12345678901234567890'", "decimal(20,0)", "12345678901234567890"},
      {"300", "tinyint", "NULL"},
      {"3000000000", "bigint", "3000000000"},
      {"9007199254740993::BIGINT", "double", "NULL"},
      {"9007199254740992::BIGINT", "double", "9007199254740992.0"},
      {"strptime('20170701', '%Y%m%d')", "date", "2017-07-01"},
      {"TIMESTAMP '2017-07-01 12:00:00'", "date", "NULL"},
      {"'2017-07-01T12:00:00'", "timestamp", "2017-07-01 12:00:00"},
      {"'2017-07-01T12:00:00Z'", "timestamp", "NULL"},
      {"'03/04/2021'", "date", "NULL"},
      {"'{\"a\": 1}'", "json", "{\"a\": 1}"},
      {"'{\"a\": '", "json", "NULL"},
      {"'{\"a\": \"007\"}'::JSON -> 'a'", "varchar", "007"},
      {"'{\"a\": 1.5}'::JSON -> 'a'", "integer", "NULL"},
      {"NULL", "integer", "NULL"},
      {"42", "varchar", "42"},
      {"TIMESTAMPTZ '2017-07-01T12:00:00Z'", "timestamp", "refused"},
      {"TIMESTAMP '2017-07-01 12:00:00'", "timestamptz", "refused"},
      {"true", "integer", "refused"},
      {"1", "boolean", "refused"},
      {"[1, 2]", "integer", "refused"},
      {"DATE '2017-07-01'", "integer", "refused"},
      {"'x'::BLOB", "varchar", "refused"}};
  for (const auto& [sql, type, expected] : cases) {
    EXPECT_EQ(convert_to(sql, type), expected) << sql << " to " << type;
  }
}

}  // namespace
}  // namespace weir::pipeline
