#include "mysql/row_text.h"

#include <gtest/gtest.h>

#include <random>

#include "mysql/batch_for_test.h"

namespace weir::mysql {
namespace {

constexpr RowText::Limit no_limit{SIZE_MAX, SIZE_MAX};

std::vector<RowColumn> row_columns(const TestBatch& batch) {
  std::vector<RowColumn> columns;
  for (const auto& column : batch.columns()) columns.push_back({column.name, column.type});
  return columns;
}

std::string text_of(TestBatch& batch, RowForm form) {
  RowText text(row_columns(batch), form);
  TextBuffer out;
  const auto rows = text.append(batch.batch(), 0, no_limit, out);
  return rows ? std::string(out.view()) : rows.error().message;
}

TEST(RowText, LinesAndTuplesSpellTheSameRows) {
  TestBatch batch;
  batch.add<int64_t>("id", "bigint", {INT64_MIN, std::nullopt});
  batch.add_text("name", "varchar", {"it's\t\\N\n", ""});
  batch.add_text("raw", "bytes", {std::string("\0'", 2), std::nullopt});
  batch.add<int64_t>("at", "timestamp", {-1, 0});
  batch.add<uint8_t>("ok", "boolean", {1, 0});
  EXPECT_EQ(text_of(batch, RowForm::lines),
            "-9223372036854775808\tit's\\t\\\\N\\n\t0027\t1969-12-31 23:59:59.999999\t1\n"
            "\\N\t\t\\N\t1970-01-01 00:00:00\t0\n");
  EXPECT_EQ(text_of(batch, RowForm::tuples),
            "(-9223372036854775808,'it\\'s\t\\\\N\n',x'0027','1969-12-31 23:59:59.999999',1),"
            "(NULL,'',NULL,'1970-01-01 00:00:00',0)");
}

/// One byte at a time, as the manual words LOAD DATA's escapes.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\0')
      result += "\\0";
    else if (c == '\t')
      result += "\\t";
    else if (c == '\n')
      result += "\\n";
    else if (c == '\\')
      result += "\\\\";
    else
      result += c;
  }
  return result;
}

TEST(RowText, EightBytesAtATimeEscapeAsOneByteDoes) {
  std::mt19937 random(20'261'120);
  std::vector<std::optional<std::string>> texts;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    std::string text(random() % 30, ' ');
    // Mostly letters, so that whole words pass; else what is escaped and its neighbours.
    const std::string special("\0\t\n\\'\x01\x08\x0B\x1F\x20[]\x7F\xFF", 14);
    for (char& c : text) c = random() % 10 == 0 ? special[random() % special.size()] : 'a';
    texts.emplace_back(text);
    expected += escaped(text) + "\n";
  }
  TestBatch batch;
  batch.add_text("c", "varchar", texts);
  EXPECT_EQ(text_of(batch, RowForm::lines), expected);
}

TEST(RowText, ChunksEndWhereTheyMust) {
  TestBatch batch;
  batch.add_text("c", "varchar", {"aaaa", "bbbb", "cccc", "dddddddddddddddddddd"});
  RowText text(row_columns(batch), RowForm::tuples, "INSERT ");
  constexpr RowText::Limit limit{20, 28};
  TextBuffer out;
  // 7 bytes of prefix, 8 of a row and its comma: two rows are enough.
  EXPECT_EQ(text.append(batch.batch(), 0, limit, out).value(), 2U);
  EXPECT_EQ(out.view(), "INSERT ('aaaa'),('bbbb')");
  out.clear();
  EXPECT_EQ(text.append(batch.batch(), 2, limit, out).value(), 3U) << "the next is above the most";
  EXPECT_EQ(out.view(), "INSERT ('cccc')");
  out.clear();
  const auto refused = text.append(batch.batch(), 3, limit, out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_input);
}

TEST(RowText, ASecondsDigitsThatTheColumnDropsAreRefused) {
  TestBatch batch;
  batch.add<int64_t>("c", "time", {1'000, 1});
  for (const int fraction : {0, 3, 6}) {
    auto columns = row_columns(batch);
    columns[0].fraction = fraction;
    RowText text(columns, RowForm::lines);
    TextBuffer out;
    EXPECT_EQ(text.append(batch.batch(), 0, no_limit, out).has_value(), fraction == 6);
    EXPECT_EQ(out.view().substr(0, 16), fraction == 0 ? "" : "00:00:00.001000\n");
  }
}

}  // namespace
}  // namespace weir::mysql
