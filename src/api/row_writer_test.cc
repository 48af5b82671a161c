#include "api/row_writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>

namespace weir::api {
namespace {

using Cells = std::vector<std::optional<std::string>>;

/// A batch of texts as DuckDB lays them out, column by column.
class Batch {
 public:
  explicit Batch(std::vector<Cells> columns) : columns_(std::move(columns)) {
    for (const Cells& cells : columns_) {
      auto& texts = texts_.emplace_back();
      auto& valid = valid_.emplace_back(1, 0);
      for (size_t row = 0; row < cells.size(); ++row) {
        if (cells[row]) valid[0] |= uint64_t{1} << row;
        texts.push_back(text_cell(cells[row] ? *cells[row] : empty_));
      }
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
      views_.push_back({nullptr, texts_[i].data(), valid_[i].data(), nullptr});
    }
  }
  server::RowBatch rows() const { return {columns_.front().size(), views_}; }

 private:
  static server::TextCell text_cell(const std::string& text) {
    server::TextCell cell;
    cell.length = static_cast<uint32_t>(text.size());
    const char* data = text.data();
    if (text.size() <= sizeof cell.inlined) {
      std::memcpy(cell.inlined, data, text.size());
    } else {
      std::memcpy(cell.inlined, data, 4);
      std::memcpy(cell.inlined + 4, &data, sizeof data);
    }
    return cell;
  }

  const std::string empty_;
  std::vector<Cells> columns_;
  std::vector<std::vector<server::TextCell>> texts_;
  std::vector<std::vector<uint64_t>> valid_;
  std::vector<server::ColumnView> views_;
};

std::string written(RowsForm form, const std::vector<duckdb::ResultColumn>& columns,
                    std::vector<Cells> cells) {
  const auto writer = make_row_writer(form);
  std::string out;
  writer->begin(columns, out);
  if (!cells.empty()) writer->add(Batch(std::move(cells)).rows(), out);
  writer->end(out);
  return out;
}

/// One value of this type in JSON.
std::string json(const std::string& type, const std::string& cell) {
  const std::string line = written(RowsForm::ndjson, {{"v", type}}, {{cell}});
  return line.substr(5, line.size() - 7);
}

TEST(RowWriter, ListsObjects) {
  EXPECT_EQ(written(RowsForm::json, {{"n", "BIGINT"}, {"a \"b\"", "VARCHAR"}},
                    {{"1", std::nullopt}, {"x\ny", ""}}),
            "[\n{\"n\":1,\"a \\\"b\\\"\":\"x\\ny\"},\n{\"n\":null,\"a \\\"b\\\"\":\"\"}\n]\n");
  EXPECT_EQ(written(RowsForm::json, {{"n", "BIGINT"}}, {}), "[]\n");
  EXPECT_EQ(written(RowsForm::ndjson, {{"n", "BIGINT"}}, {{"1", "2"}}), "{\"n\":1}\n{\"n\":2}\n");
  EXPECT_EQ(written(RowsForm::ndjson, {{"n", "BIGINT"}}, {}), "");
}

TEST(RowWriter, ANumberIsOneAsLongAsADoubleKeepsIt) {
  EXPECT_EQ(json("BIGINT", "999999999999999"), "999999999999999");
  EXPECT_EQ(json("BIGINT", "-9007199254740993"), "\"-9007199254740993\"");
  EXPECT_EQ(json("HUGEINT", "12"), "12");
  EXPECT_EQ(json("DECIMAL(20,4)", "0.0012"), "0.0012");
  EXPECT_EQ(json("DECIMAL(38,2)", "1234567890123.45"), "1234567890123.45");
  EXPECT_EQ(json("DECIMAL(38,2)", "12345678901234.56"), "\"12345678901234.56\"");
  EXPECT_EQ(json("DOUBLE", "1e-300"), "1e-300");
  EXPECT_EQ(json("DOUBLE", "0.30000000000000004"), "0.30000000000000004");
  EXPECT_EQ(json("DOUBLE", "nan"), "\"nan\"");
  EXPECT_EQ(json("FLOAT", "-inf"), "\"-inf\"");
  EXPECT_EQ(json("BOOLEAN", "true"), "true");
  EXPECT_EQ(json("VARCHAR", "12"), "\"12\"");
  EXPECT_EQ(json("DATE", "2024-02-29"), "\"2024-02-29\"");
}

TEST(RowWriter, JsonStaysJsonOnOneLine) {
  EXPECT_EQ(json("JSON", "{\"a\":\n [1, \"\\n\"]}"), "{\"a\":  [1, \"\\n\"]}");
  EXPECT_EQ(json("INTEGER[]", "[1,null]"), "[1,null]");
  EXPECT_EQ(json("STRUCT(a INTEGER)", "{\"a\":1}"), "{\"a\":1}");
  EXPECT_EQ(json("JSON", "not json"), "\"not json\"");
}

TEST(RowWriter, CsvTellsNullFromEmpty) {
  EXPECT_EQ(written(RowsForm::csv, {{"a", "VARCHAR"}, {"b,c", "VARCHAR"}},
                    {{std::nullopt, "", "x"}, {"1", "say \"hi\"", "two\nlines"}}),
            "a,\"b,c\"\r\n,1\r\n\"\",\"say \"\"hi\"\"\"\r\nx,\"two\nlines\"\r\n");
}

}  // namespace
}  // namespace weir::api
