#include "pipeline/infer_source.h"

#include <gtest/gtest.h>

#include "pipeline/test_project.h"

namespace weir::pipeline {
namespace {

class InferSourceTest : public testing::Test {
 protected:
  std::string columns_of(const std::string& name, const std::string& content) {
    test_.drop(name, content);
    const auto source = infer_source(test_.project.root / "landing" / name);
    if (!source) return source.error().to_string();
    source_ = *source;
    std::string text;
    for (const ReadColumn& column : source->columns) {
      text += (text.empty() ? "" : ", ") + column.name + " " + column.type.to_string();
    }
    return text;
  }
  TestProject test_;
  config::InferredSource source_;
};

TEST_F(InferSourceTest, CsvWithHeader) {
  EXPECT_EQ(columns_of("a.csv",
                       "id;zip;price;day;at;ok;note\n"
                       "1;01234;1.50;2024-01-31;2024-01-31T10:00:00Z;true;x\n"
                       "2;99999;;2024-02-01;2024-01-31T10:00:00+02:00;false;\n"),
            "id bigint, zip varchar, price decimal(18,2), day date, at timestamptz, ok boolean, "
            "note varchar");
  EXPECT_EQ(source_.dialect.delimiter, ';');
  EXPECT_TRUE(source_.dialect.header);
}

TEST_F(InferSourceTest, CsvWithoutHeaderAndWithDirt) {
  EXPECT_EQ(
      columns_of(
          "a.csv",
          "1,Ann,2021-11-07T02:48:42Z,2\n2,Ben,,\n3,Col\n4,\"D, E\",2021-11-07T02:48:42Z,5\n"),
      "column_1 bigint, column_2 varchar, column_3 timestamptz, column_4 bigint");
  EXPECT_FALSE(source_.dialect.header);
}

TEST_F(InferSourceTest, JsonArrayAndLines) {
  EXPECT_EQ(
      columns_of("a.json",
                 R"([{"id":"12345678901234567890","n":1,"x":1.5,"hit":[{"a":1}],"geo":{"c":1}},)"
                 R"({"id":"1","n":2,"x":2,"hit":[],"geo":null,"day":"2024-01-01"}])"),
      "id varchar, n bigint, x decimal(18,1), hit json[], geo json, day date");
  EXPECT_EQ(columns_of("b.ndjson", "{\"a\":true}\n{\"a\":false}\n"), "a boolean");
}

TEST_F(InferSourceTest, SaysWhatItCannotRead) {
  EXPECT_NE(columns_of("a.xml", "<a/>").find("does not tell the format"), std::string::npos);
  EXPECT_NE(columns_of("a.csv", "").find("no records"), std::string::npos);
}

}  // namespace
}  // namespace weir::pipeline
