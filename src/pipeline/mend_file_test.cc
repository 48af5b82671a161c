#include "pipeline/mend_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/memory_stream.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using Kind = SourceValue::Kind;

const std::vector<ReadColumn> columns = {{"id", *parse_data_type("bigint"), {}},
                                         {"name", *parse_data_type("varchar"), {}},
                                         {"tags", *parse_data_type("json"), {}}};

std::string written(MendFormat format, const std::vector<MendRow>& rows) {
  std::string out;
  MendWriter writer(format, columns, [&](const std::string& text) {
    out += text;
    return true;
  });
  writer.begin();
  for (const MendRow& row : rows) writer.add(row);
  writer.end();
  return out;
}

/// Each row as "id@line:column cells", or the error.
std::vector<std::string> read(const std::string& text) {
  io::MemoryStream stream(text);
  MendReader reader(stream, "mended.csv");
  std::vector<std::string> rows;
  const auto done = reader.read({"id", "name", "tags"}, [&](MendedRow& row) -> Result<void> {
    std::string shown = std::to_string(row.reject) + "@" + row.location.to_string();
    for (const auto& cell : row.cells) shown += "|" + cell.value_or("-");
    if (!row.object.empty()) shown += " " + row.object;
    rows.push_back(shown);
    return {};
  });
  if (!done) rows.push_back(done.error().to_string());
  return rows;
}

const std::vector<MendRow> some_rows = {
    {1, 3, "id: 'x' does not fit bigint", {{{Kind::text, "x"}, {Kind::text, "a, \"b\""}, {}}, ""}},
    {2, 7, "=boo", {{{Kind::null, ""}, {Kind::text, ""}, {Kind::json, "[1]"}}, ""}}};

TEST(MendWriter, Csv) {
  EXPECT_EQ(written(MendFormat::csv, some_rows),
            "weir_reject,weir_line,weir_problem,id,name,tags\n"
            "1,3,id: 'x' does not fit bigint,x,\"a, \"\"b\"\"\",\n"
            "2,7,'=boo,,\"\",[1]\n");
}

TEST(MendWriter, Json) {
  EXPECT_EQ(written(MendFormat::json, some_rows),
            "[\n{\"weir_reject\":1,\"weir_line\":3,\"weir_problem\":\"id: 'x' does not fit "
            "bigint\",\"id\":\"x\",\"name\":\"a, \\\"b\\\"\"},\n"
            "{\"weir_reject\":2,\"weir_line\":7,\"weir_problem\":\"=boo\",\"id\":null,"
            "\"name\":\"\",\"tags\":[1]}\n]\n");
  EXPECT_EQ(written(MendFormat::json, {}), "[]\n");
}

TEST(MendReader, ReadsWhatTheWriterWrote) {
  EXPECT_THAT(read(written(MendFormat::csv, some_rows)),
              ElementsAre("1@mended.csv:2:1|x|a, \"b\"|-", "2@mended.csv:3:1|-||[1]"));
  const auto json = read(written(MendFormat::json, some_rows));
  ASSERT_EQ(json.size(), 2u);
  EXPECT_THAT(json[1], testing::StartsWith("2@mended.csv:3:2 {\"weir_reject\":2"));
}

TEST(MendReader, TakesWhatSpreadsheetsMakeOfIt) {
  EXPECT_THAT(
      read("\xEF\xBB\xBFid;weir_reject;name;tags\r\n7;12;\"two\nlines\";\r\n;;;\r\n8;13;;\r\n"),
      ElementsAre("12@mended.csv:2:3|7|two\nlines|-", "13@mended.csv:5:3|8|-|-"));
  EXPECT_THAT(read("\"weir_reject\"\t\"id\"\t\"name\"\t\"tags\"\n\"5\"\t1\ta,b\t\n"),
              ElementsAre("5@mended.csv:2:1|1|a,b|-"));
}

TEST(MendReader, JsonLinesAndPrettyArrays) {
  EXPECT_THAT(read("{\"weir_reject\":\"4\"}\n\n{\"id\":1,\"weir_reject\":5}\n"),
              ElementsAre("4@mended.csv:1:2 {\"weir_reject\":\"4\"}",
                          "5@mended.csv:3:9 {\"id\":1,\"weir_reject\":5}"));
  EXPECT_THAT(read("[\n  {\n    \"weir_reject\": 4\n  }\n]\n"),
              ElementsAre(testing::StartsWith("4@mended.csv:3:5")));
}

TEST(MendReader, ErrorsSayWhereWhatAndHow) {
  struct Case {
    const char* text;
    const char* error;
  };
  const std::string head = "weir_reject,id,name,tags\n";
  for (
      const auto& [text, error] : {
          Case{"",
               "mended.csv:1:1: the file is empty; write it with `weir rejects RUN --format csv`"},
          Case{"id,name,tags\n1,2,3\n",
               "mended.csv:1:1: the file has no column 'weir_reject'; leave the columns as `weir "
               "rejects` wrote them"},
          Case{"weir_reject,id,tags\n1,2,3\n",
               "mended.csv:1:1: the file has no column 'name'; leave the columns as `weir rejects` "
               "wrote them"},
          Case{"weir_reject,id,nmae,tags\n",
               "mended.csv:1:16: the column 'nmae' is none of the rejected records'; did you mean "
               "'name'?"},
          Case{"weir_reject,id,name,id,tags\n",
               "mended.csv:1:21: the column 'id' is there twice; leave the columns as `weir "
               "rejects` wrote them"},
          Case{"weir_reject,id,name,tags\nx1,2,3,4\n",
               "mended.csv:2:1: 'x1' is no weir_reject; it is the number `weir rejects` gave; take "
               "rows out, but add none"},
          Case{"weir_reject,id,name,tags\n,2,3,4\n",
               "mended.csv:2:1: the row has no weir_reject; it is the number `weir rejects` gave; "
               "take rows out, but add none"},
          Case{"weir_reject,id,name,tags\n1,2,3\n",
               "mended.csv:2:1: the row has 3 cells and the header 4; a cell with a comma in it is "
               "written in quotes"},
          Case{"[{\"weir_reject\": 1, \"idd\": 2}]",
               "mended.csv:1:21: the column 'idd' is none of the rejected records'; did you mean "
               "'id'?"},
          Case{"[{\"id\": 2}]",
               "mended.csv:1:2: the row has no weir_reject; it is the number `weir rejects` gave; "
               "take rows out, but add none"},
          Case{
              "[{\"weir_reject\": 1.5}]",
              "mended.csv:1:3: '1.5' is no weir_reject; it is the number `weir rejects` gave; take "
              "rows out, but add none"},
          Case{"[{\"weir_reject\": 1,}]",
               "mended.csv:1:2: this is not valid JSON; write one object per row"},
      }) {
    EXPECT_THAT(read(text), ElementsAre(error));
  }
}

}  // namespace
}  // namespace weir::pipeline
