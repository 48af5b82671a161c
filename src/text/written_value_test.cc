#include "text/written_value.h"

#include <gtest/gtest.h>

namespace weir::text {
namespace {

std::string written(const char* type, std::string_view text) {
  const auto value = written_value(*parse_data_type(type), text);
  return value ? *value : value.error().to_string();
}

TEST(WrittenValue, BecomesItsTypesSpelling) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"integer", "1", "1"},
      {"integer", "1.0", "1"},
      {"bigint", "9117776942963408674.000", "9117776942963408674"},
      {"hugeint", "-170141183460469231731687303715884105728",
       "-170141183460469231731687303715884105728"},
      {"decimal(5,2)", "12.5000", "12.5000"},
      {"double", "1e3", "1e3"},
      {"boolean", "True", "True"},
      {"date", "2024-02-29", "2024-02-29"},
      {"timestamp", "2024-02-29", "2024-02-29T00:00:00"},
      {"timestamp", "2024-02-29 10:00", "2024-02-29 10:00"},
      {"timestamptz", "2024-02-29T10:00+02", "2024-02-29T10:00+02"},
      {"varchar(2)", "ñé", "ñé"},
      {"json", "{\"a\": 1}", "{\"a\": 1}"},
      {"bigint[]", "[1,2]", "[1,2]"}};
  for (const auto& [type, text, expected] : cases) EXPECT_EQ(written(type, text), expected);
}

TEST(WrittenValue, RefusesWhatWouldLoseSomething) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"integer", "1.7", "'1.7' does not fit integer; write a whole number that the type can hold"},
      {"tinyint", "128", "'128' does not fit tinyint; write a whole number that the type can hold"},
      {"integer", "1.", "'1.' does not fit integer; write a whole number that the type can hold"},
      {"decimal(5,2)", "12.345", "'12.345' does not fit decimal(5,2)"},
      {"date", "2023-02-29", "'2023-02-29' does not fit date; write it like 2026-11-20"},
      {"timestamptz", "2024-02-29T10:00",
       "'2024-02-29T10:00' does not fit timestamptz; write it with its offset, like "
       "2026-11-20T00:05:00Z"},
      {"varchar(2)", "abc", "'abc' does not fit varchar(2); shorten it"},
      {"json", "hello", "'hello' does not fit json; write a list or a map, or JSON text in quotes"},
      {"bigint[]", "{}", "'{}' does not fit bigint[]; write a list"},
      {"boolean", "yes", "'yes' does not fit boolean; write true or false"}};
  for (const auto& [type, text, expected] : cases) EXPECT_EQ(written(type, text), expected);
}

}  // namespace
}  // namespace weir::text
