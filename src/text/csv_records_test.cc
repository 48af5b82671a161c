#include "text/csv_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "text/records_for_test.h"
#include "text/slow_csv_for_test.h"

namespace weir::text {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Fields = std::vector<std::string>;

RecordOptions csv_options(bool header = false) {
  RecordOptions options;
  options.format = Format::csv;
  options.csv.header = header;
  return options;
}

SeenInput see(std::string_view text, const RecordOptions& options = csv_options()) {
  auto seen = see_all(text, options);
  EXPECT_TRUE(seen) << seen.error().to_string();
  return seen.value_or(SeenInput{});
}

std::vector<Fields> fields(std::string_view text, const RecordOptions& options = csv_options()) {
  std::vector<Fields> all;
  for (const SeenRecord& record : see(text, options).records) {
    all.push_back(record.broken.empty() ? record.fields : Fields{"broken: " + record.broken});
  }
  return all;
}

TEST(CsvRecords, SplitsFieldsAndRecords) {
  EXPECT_THAT(fields("a,b\n1,,3\n"), ElementsAre(Fields{"a", "b"}, Fields{"1", "", "3"}));
  EXPECT_THAT(fields("a,b"), ElementsAre(Fields{"a", "b"}));
  EXPECT_THAT(fields("a,"), ElementsAre(Fields{"a", ""}));
  EXPECT_THAT(fields(",\n"), ElementsAre(Fields{"", ""}));
  EXPECT_THAT(fields(""), IsEmpty());
  EXPECT_THAT(fields("\n\n"), IsEmpty());
  EXPECT_THAT(fields(" a , b "), ElementsAre(Fields{" a ", " b "}));
}

TEST(CsvRecords, TakesEveryLineEnd) {
  EXPECT_THAT(fields("a,b\r\nc,d\re,f\n\r\ng"),
              ElementsAre(Fields{"a", "b"}, Fields{"c", "d"}, Fields{"e", "f"}, Fields{"g"}));
  EXPECT_THAT(fields("a\r"), ElementsAre(Fields{"a"}));
}

TEST(CsvRecords, ReadsQuotedFields) {
  EXPECT_THAT(fields("\"a,b\",\"c\"\"d\",\"\"\n\"e\nf\r\ng\",h\n"),
              ElementsAre(Fields{"a,b", "c\"d", ""}, Fields{"e\nf\r\ng", "h"}));
  EXPECT_THAT(fields("\"\"\"\"\n"), ElementsAre(Fields{"\""}));
  EXPECT_THAT(fields("5\" pipe,a\"b\"\n"), ElementsAre(Fields{"5\" pipe", "a\"b\""}));
  EXPECT_THAT(fields(" \"a\"\n"), ElementsAre(Fields{" \"a\""}));
}

TEST(CsvRecords, TellsQuotedFromUnquoted) {
  io::MemoryStream stream("\"\",,\"x\"\"y\"\n");
  RecordBlocks blocks(stream, csv_options());
  RecordBlock block;
  ASSERT_EQ(blocks.next(block), true);
  CsvRecords records(block);
  RecordSlice record;
  ASSERT_TRUE(records.next(record));
  ASSERT_EQ(records.fields().size(), 3u);
  EXPECT_TRUE(records.fields()[0].quoted);
  EXPECT_FALSE(records.fields()[1].quoted);
  EXPECT_TRUE(records.fields()[2].needs_unescape);
  EXPECT_FALSE(records.fields()[0].needs_unescape);
  EXPECT_EQ(records.fields()[2].text, "x\"\"y");
}

TEST(CsvRecords, FollowsTheDialect) {
  RecordOptions options = csv_options();
  options.csv.delimiter = ';';
  options.csv.quote = '\'';
  options.csv.escape = '\\';
  EXPECT_THAT(fields("a;'b\\'c\\\\d\\e';'x,y'\n", options),
              ElementsAre(Fields{"a", "b'c\\d\\e", "x,y"}));
  EXPECT_THAT(fields("'a''b'\n1\n", options),
              ElementsAre(Fields{"broken: text after a closing quote"}, Fields{"1"}));
  options.csv.quote = '\0';
  EXPECT_THAT(fields("'a;\"b\n", options), ElementsAre(Fields{"'a", "\"b"}));
}

TEST(CsvRecords, BreaksARecordWithTextBehindAQuoteAndGoesOnWithTheNextLine) {
  EXPECT_THAT(fields("\"a\"b,\"c\n1,2\n"),
              ElementsAre(Fields{"broken: text after a closing quote"}, Fields{"1", "2"}));
  EXPECT_THAT(fields("\"a\" ,b\r\n1\r\n"),
              ElementsAre(Fields{"broken: text after a closing quote"}, Fields{"1"}));
}

TEST(CsvRecords, BreaksOnlyTheLineOfAQuoteThatIsNeverClosed) {
  EXPECT_THAT(fields("1,2\n3,\"4\n5,6\n7,8"),
              ElementsAre(Fields{"1", "2"}, Fields{"broken: quote is never closed"},
                          Fields{"5", "6"}, Fields{"7", "8"}));
  EXPECT_THAT(fields("\""), ElementsAre(Fields{"broken: quote is never closed"}));
  EXPECT_THAT(fields("\"\"\""), ElementsAre(Fields{"broken: quote is never closed"}));
}

TEST(CsvRecords, GivesByteRanges) {
  const SeenInput seen = see("a,b\r\n\n\"c\nd\"\n\"x");
  ASSERT_EQ(seen.records.size(), 3u);
  EXPECT_EQ(seen.records[0], (SeenRecord{0, 3, "a,b", "", {"a", "b"}}));
  EXPECT_EQ(seen.records[1], (SeenRecord{6, 5, "\"c\nd\"", "", {"c\nd"}}));
  EXPECT_EQ(seen.records[2], (SeenRecord{12, 2, "\"x", broken::unterminated_quote, {}}));
}

TEST(CsvRecords, BlankLinesAreRecordsOnlyInAFileOfOneColumn) {
  RecordOptions one = csv_options();
  one.columns = 1;
  EXPECT_THAT(fields("a\n\n\r\nb\n", one),
              ElementsAre(Fields{"a"}, Fields{""}, Fields{""}, Fields{"b"}));
  RecordOptions two = csv_options();
  two.columns = 2;
  EXPECT_THAT(fields("a\n\nb\n", two), ElementsAre(Fields{"a"}, Fields{"b"}));
  EXPECT_THAT(fields("x\n\n1\n", csv_options(true)), ElementsAre(Fields{""}, Fields{"1"}));
  EXPECT_THAT(fields("x,y\n\n1\n", csv_options(true)), ElementsAre(Fields{"1"}));
}

TEST(CsvRecords, ReadsTheHeader) {
  EXPECT_THAT(see("\xef\xbb\xbf"
                  "a,\"b \"\"x\"\"\",\"c\nd\"\r\n1,2,3\r\n",
                  csv_options(true))
                  .header,
              ElementsAre("a", "b \"x\"", "c\nd"));
  EXPECT_THAT(see("", csv_options(true)).header, IsEmpty());
  const SeenInput only = see("a,b", csv_options(true));
  EXPECT_THAT(only.header, ElementsAre("a", "b"));
  EXPECT_THAT(only.records, IsEmpty());
  EXPECT_THAT(see("\n\r\n\na\n1\n", csv_options(true)).header, ElementsAre("a"));
}

TEST(CsvRecords, RefusesABrokenHeader) {
  for (const char* text : {"\"a\n1\n2\n", "\"a\"b,c\n1,2\n"}) {
    const auto seen = see_all(text, csv_options(true));
    ASSERT_FALSE(seen) << text;
    EXPECT_EQ(seen.error().code, ErrorCode::invalid_input);
    EXPECT_NE(seen.error().message.find("header at byte 0"), std::string::npos);
  }
  RecordOptions small = csv_options(true);
  small.max_record_bytes = 10;
  EXPECT_FALSE(see_all(std::string(100, 'a') + "\n1\n", small));
  EXPECT_FALSE(see_all(std::string(100, 'a'), small));
}

TEST(CsvRecords, SkipsLines) {
  RecordOptions options = csv_options(true);
  options.csv.skip_lines = 3;
  for (size_t chunk = 1; chunk < 40; ++chunk) {
    options.chunk_bytes = chunk;
    const SeenInput seen = see("# \"one\r\n\n# three\ra,b\n1,2\n", options);
    EXPECT_THAT(seen.header, ElementsAre("a", "b")) << chunk;
    ASSERT_EQ(seen.records.size(), 1u);
    EXPECT_EQ(seen.records[0].offset, 21u);
  }
  options.csv.skip_lines = 100;
  EXPECT_THAT(see("a\nb\n", options).records, IsEmpty());
}

TEST(CsvRecords, RefusesADialectThatContradictsItself) {
  const auto refused = [](auto change) {
    RecordOptions options = csv_options();
    change(options);
    const auto seen = see_all("a\n", options);
    return !seen && seen.error().code == ErrorCode::invalid_project;
  };
  EXPECT_TRUE(refused([](RecordOptions& o) { o.csv.delimiter = '"'; }));
  EXPECT_TRUE(refused([](RecordOptions& o) { o.csv.delimiter = '\n'; }));
  EXPECT_TRUE(refused([](RecordOptions& o) { o.csv.escape = ','; }));
  EXPECT_TRUE(refused([](RecordOptions& o) { o.csv.skip_lines = -1; }));
  EXPECT_TRUE(refused([](RecordOptions& o) { o.max_record_bytes = 0; }));
  EXPECT_TRUE(refused([](RecordOptions& o) { o.max_record_bytes = uint64_t{1} << 40; }));
}

TEST(CsvRecords, BreaksARecordThatIsTooLongAndGoesOn) {
  RecordOptions options = csv_options();
  options.max_record_bytes = 100;
  const std::string exact(100, 'x');
  const std::string longer(101, 'x');
  for (size_t chunk : {1u, 7u, 64u, 100u, 101u, 102u, 1'000u}) {
    options.chunk_bytes = chunk;
    const auto seen = see(exact + "\n" + longer + "\r\n1,2\n", options).records;
    ASSERT_EQ(seen.size(), 3u) << chunk;
    EXPECT_EQ(seen[0].broken, "");
    EXPECT_EQ(seen[1], (SeenRecord{101, 101, longer, broken::too_long, {}}));
    EXPECT_EQ(seen[2], (SeenRecord{204, 3, "1,2", "", {"1", "2"}}));
  }
}

TEST(CsvRecords, CapsTheTextOfABrokenRecord) {
  RecordOptions options = csv_options();
  options.max_record_bytes = 5'000;
  for (size_t chunk : {100u, 4'096u, 1'000'000u}) {
    options.chunk_bytes = chunk;
    const auto seen = see(std::string(20'000, 'x') + "\n1\n", options).records;
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].length, 20'000u);
    EXPECT_EQ(seen[0].text, std::string(raw_text_limit, 'x'));
  }
}

TEST(CsvRecords, ManyColumns) {
  std::string line = "0";
  for (int i = 1; i < 10'000; ++i) line += "," + std::to_string(i);
  const auto all = fields(line + "\n" + line + "\n");
  ASSERT_EQ(all.size(), 2u);
  ASSERT_EQ(all[1].size(), 10'000u);
  EXPECT_EQ(all[1][9'999], "9999");
}

// An input made to have every line looked through up to the limit: linear all the same.
TEST(CsvRecords, UnclosedQuotesOnEveryLineDoNotTakeForever) {
  std::string text;
  while (text.size() < 4u << 20) text += "a\",\"b\n";
  RecordOptions options = csv_options();
  options.max_record_bytes = 1u << 20;
  const auto seen = see(text, options).records;
  uint64_t end = 0;
  for (const SeenRecord& record : seen) {
    ASSERT_GE(record.offset, end);
    end = record.offset + record.length;
  }
  EXPECT_LT(seen.size(), 200u);
}

std::string random_csv(std::mt19937_64& random, size_t bytes) {
  static constexpr std::string_view pieces[] = {"a",     "bc",   ",",  ",",    "\n",
                                                "\n",    "\r\n", "\r", "\"",   "\"",
                                                "\",\"", "\"\n", "\\", "\\\"", " "};
  std::string text;
  while (text.size() < bytes) text += pieces[random() % std::size(pieces)];
  return text;
}

TEST(CsvRecords, AgreesWithTheObviousReadingWhateverTheChunkSize) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    std::mt19937_64 random(seed);
    const std::string text = random_csv(random, 1 + random() % 300);
    RecordOptions options = csv_options();
    if (seed % 3 == 1) options.csv.escape = '\\';
    if (seed % 7 == 1) options.csv.quote = '\0';
    options.columns = random() % 3;
    options.max_record_bytes = seed % 2 == 0 ? 1'000'000 : 1 + random() % 40;
    const auto expected =
        SlowCsv(text, options.csv, options.max_record_bytes, options.columns == 1).records(0);
    std::vector<size_t> chunks = {1, 2, 3, 63, 64, 65, 1'000};
    if (seed < 20) {
      for (size_t chunk = 1; chunk <= text.size() + 1; ++chunk) chunks.push_back(chunk);
    }
    for (const size_t chunk : chunks) {
      options.chunk_bytes = chunk;
      ASSERT_EQ(see(text, options).records, expected)
          << "seed " << seed << " chunk " << chunk << "\n"
          << testing::PrintToString(text);
    }
  }
}

}  // namespace
}  // namespace weir::text
