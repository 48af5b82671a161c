#include "pipeline/parameter_value.h"

#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

constexpr Engine duckdb = Engine::duckdb;
constexpr Engine postgres = Engine::postgres;
constexpr Engine mysql = Engine::mysql;

std::string value(const char* type, std::string_view text, Engine engine) {
  const auto made = parameter_value(*parse_data_type(type), text, engine);
  return made ? *made : made.error().to_string();
}

TEST(ParameterValue, HasOneSpellingThatAllEnginesRead) {
  const struct {
    const char* type;
    const char* text;
    const char* plain;
    const char* mysql;
  } cases[] = {
      {"boolean", "T", "true", "1"},
      {"boolean", "0", "false", "0"},
      {"integer", "+007", "7", "7"},
      {"integer", "-0", "0", "0"},
      {"integer", "7.0", "7", "7"},
      {"hugeint", "-170141183460469231731687303715884105728",
       "-170141183460469231731687303715884105728", "-170141183460469231731687303715884105728"},
      {"decimal(5,2)", "+1.50", "1.50", "1.50"},
      {"double", "+1e3", "1e3", "1e3"},
      {"varchar", "' OR 1=1; --", "' OR 1=1; --", "' OR 1=1; --"},
      {"varchar", "", "", ""},
      {"date", "2024-02-29", "2024-02-29", "2024-02-29"},
      {"time", "09:30", "09:30:00.000000", "09:30:00.000000"},
      {"timestamp", "2024-02-29 10:00", "2024-02-29T10:00:00.000000", "2024-02-29T10:00:00.000000"},
      {"timestamp", "2024-02-29", "2024-02-29T00:00:00.000000", "2024-02-29T00:00:00.000000"},
      {"timestamptz", "2024-02-29T10:00+02", "2024-02-29T08:00:00.000000Z",
       "2024-02-29T08:00:00.000000"},
      {"uuid", "00112233-4455-6677-8899-AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeeff",
       "00112233-4455-6677-8899-aabbccddeeff"},
      {"json", "{\"a\": [1]}", "{\"a\": [1]}", "{\"a\": [1]}"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(value(each.type, each.text, duckdb), each.plain);
    EXPECT_EQ(value(each.type, each.text, postgres), each.plain);
    EXPECT_EQ(value(each.type, each.text, mysql), each.mysql);
  }
  EXPECT_EQ(value("bytes", "\\x00fF", postgres), "\\x00fF");
  EXPECT_EQ(value("bytes", "\\x00fF", duckdb), "00fF");
  EXPECT_EQ(value("bytes", "\\x00fF", mysql), "00fF");
}

TEST(ParameterValue, WhatIsNoneOfItsTypeIsRefusedByName) {
  EXPECT_EQ(value("date", "soon", duckdb), "'soon' does not fit date; write it like 2026-11-20");
  EXPECT_EQ(value("integer", "1; DROP TABLE t", duckdb),
            "'1; DROP TABLE t' does not fit integer; write a whole number that the type can hold");
  EXPECT_EQ(value("varchar(2)", "abc", mysql), "'abc' does not fit varchar(2); shorten it");
  const std::string_view nul("a\0b", 3);
  EXPECT_EQ(value("varchar", nul, duckdb), nul);
  EXPECT_EQ(value("varchar", nul, postgres),
            "it holds a NUL character, which Postgres has not; leave it out");
  EXPECT_EQ(value("boolean", "", mysql), "'' does not fit boolean; write true or false");
}

TEST(ParameterValue, IsCastToItsType) {
  const auto cast = [](const char* type, Engine engine) {
    return parameter_cast(*parse_data_type(type), "$1", engine);
  };
  EXPECT_EQ(cast("decimal(5,2)", duckdb), "CAST($1 AS DECIMAL(5,2))");
  EXPECT_EQ(cast("decimal(5,2)", postgres), "CAST($1 AS numeric(5,2))");
  EXPECT_EQ(cast("decimal(5,2)", mysql), "CAST($1 AS DECIMAL(5,2))");
  EXPECT_EQ(cast("bytes", duckdb), "unhex(CAST($1 AS VARCHAR))");
  EXPECT_EQ(cast("bytes", postgres), "CAST($1 AS bytea)");
  EXPECT_EQ(cast("bytes", mysql), "unhex($1)");
}

}  // namespace
}  // namespace weir::pipeline
