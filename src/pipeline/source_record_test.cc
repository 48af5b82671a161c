#include "pipeline/source_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

using Kind = SourceValue::Kind;

std::vector<ReadColumn> columns_of(
    std::initializer_list<std::pair<const char*, const char*>> list) {
  std::vector<ReadColumn> columns;
  for (const auto& [name, type] : list) columns.push_back({name, *parse_data_type(type), {}});
  return columns;
}

const std::vector<ReadColumn> columns =
    columns_of({{"id", "bigint"}, {"name", "varchar"}, {"tags", "json"}});

std::string shown(const SourceRecord& record) {
  if (!record.broken.empty() && record.values.empty()) return record.broken;
  size_t misfit = 0;
  const auto line = to_json_line(record, columns, misfit);
  const std::string text = line ? *line : "misfit " + std::to_string(misfit);
  return record.broken.empty() ? text : text + " " + record.broken;
}

std::string csv(std::string_view raw,
                const std::vector<std::string>& header = {"id", "name", "tags"},
                CsvDialect dialect = {}) {
  return shown(record_of_csv(raw, dialect, header, columns));
}

TEST(RecordOfCsv, FieldsBecomeTextsNullsAndJson) {
  EXPECT_EQ(csv(R"(1,"a ""b"", c","[1,2]")"), R"({"id":"1","name":"a \"b\", c","tags":[1,2]})");
  EXPECT_EQ(csv(R"(x,,"")"), R"(misfit 2)");
  EXPECT_EQ(csv(R"(x,"",)"), R"({"id":"x","name":"","tags":null})");
  EXPECT_EQ(csv("1,\"two\nlines\",null"), R"({"id":"1","name":"two\nlines","tags":null})");
}

TEST(RecordOfCsv, FieldsGoByTheHeaderOrWithoutOneByPosition) {
  EXPECT_EQ(csv("a,1", {"name", "id"}), R"({"id":"1","name":"a"})");
  CsvDialect plain;
  plain.header = false;
  plain.delimiter = '|';
  plain.null_text = "NA";
  EXPECT_EQ(csv("1|NA|{}", {}, plain), R"({"id":"1","name":null,"tags":{}})");
  EXPECT_EQ(csv("1,a,{}", {}), R"({} the header of its input was not kept)");
}

TEST(RecordOfCsv, WhatIsBrokenSaysSoAndShowsWhatItCan) {
  EXPECT_EQ(csv("1,a"), R"({"id":"1","name":"a"} the row has 2 fields instead of 3)");
  EXPECT_EQ(csv("1,a,[],more"),
            R"({"id":"1","name":"a","tags":[]} the row has 4 fields instead of 3)");
  EXPECT_EQ(csv(R"(1,"never closed)"), R"({} the record cannot be read)");
}

TEST(RecordOfCsv, BytesThatMeanAnEncodingAtAnInputsBeginningMeanNothingHere) {
  EXPECT_EQ(csv("\xEF\xBB\xBF"
                "1,a,1"),
            "{\"id\":\"\xEF\xBB\xBF"
            "1\",\"name\":\"a\",\"tags\":1}");
}

TEST(RecordOfJson, ValuesStayAsTheyAreSpelled) {
  EXPECT_EQ(shown(record_of_json(
                R"({"tags": ["a", 1.50], "id": 12345678901234567890123, "more": 1})", columns)),
            R"({"id":12345678901234567890123,"tags":["a", 1.50]})");
  EXPECT_EQ(shown(record_of_json(R"({"id": "7", "name": null, "tags": "t"})", columns)),
            R"({"id":"7","name":null,"tags":"t"})");
  EXPECT_EQ(shown(record_of_json("{\"tags\": {\n\"a\": 1\r\n}}", columns)),
            "{\"tags\":{ \"a\": 1  }}");
}

TEST(RecordOfJson, BrokenJsonSaysSo) {
  EXPECT_EQ(record_of_json("{\"id\": ", columns).broken, "this is not valid JSON");
  EXPECT_EQ(record_of_json("[1]", columns).broken, "this is not a JSON object");
  EXPECT_EQ(record_of_json(R"({"id":1,"name":"a","id":2})", columns).broken,
            "the member 'id' is there twice");
}

}  // namespace
}  // namespace weir::pipeline
