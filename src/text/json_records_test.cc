#include "text/json_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "text/records_for_test.h"
#include "text/slow_json_for_test.h"

namespace weir::text {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

RecordOptions layout(JsonLayout layout) {
  RecordOptions options;
  options.layout = layout;
  return options;
}

SeenInput see(std::string_view text, const RecordOptions& options = {}) {
  auto seen = see_all(text, options);
  EXPECT_TRUE(seen) << seen.error().to_string();
  return seen.value_or(SeenInput{});
}

// "text", or "!reason text" for a broken one.
std::vector<std::string> texts(std::string_view text, const RecordOptions& options = {}) {
  std::vector<std::string> all;
  for (const SeenRecord& record : see(text, options).records) {
    all.push_back(record.broken.empty() ? record.text : "!" + record.broken + ": " + record.text);
  }
  return all;
}

TEST(JsonLines, GivesWhatStandsOnEachLineThatIsNotBlank) {
  EXPECT_THAT(texts("{\"a\":1}\n\n  \t\r\n {\"a\":2} \r\n{\"a\":3}"),
              ElementsAre("{\"a\":1}", "{\"a\":2}", "{\"a\":3}"));
  EXPECT_THAT(texts("1\n\"x\"\nnull\n"), ElementsAre("1", "\"x\"", "null"));
  EXPECT_THAT(texts(""), IsEmpty());
  EXPECT_THAT(texts(" \n\r\n"), IsEmpty());
  EXPECT_EQ(see("{\"a\":1}\n").layout, RecordLayout::lines);
}

TEST(JsonLines, KeepsDamagedLinesApart) {
  EXPECT_THAT(texts("{\"a\"\n{\"a\":2}\n"), ElementsAre("{\"a\"", "{\"a\":2}"));
  EXPECT_THAT(texts("{\"a\": 1,\n{\"a\":2}\n"), ElementsAre("{\"a\": 1,", "{\"a\":2}"));
  EXPECT_THAT(texts("{\"a\": \"x\n{\"a\":2}\n"), ElementsAre("{\"a\": \"x", "{\"a\":2}"));
  EXPECT_THAT(texts("{\"a\": 1}}\n{\"a\":2}\n"), ElementsAre("{\"a\": 1}}", "{\"a\":2}"));
  const std::string nul("{\"a\":\"\0\"}\n\0\n", 11);
  EXPECT_THAT(texts(nul), ElementsAre(nul.substr(0, 9), std::string(1, '\0')));
}

TEST(JsonLines, GivesByteRanges) {
  const SeenInput seen = see("\xef\xbb\xbf {\"a\":1} \n7\n");
  ASSERT_EQ(seen.records.size(), 2u);
  EXPECT_EQ(seen.records[0], (SeenRecord{4, 7, "{\"a\":1}", "", {}}));
  EXPECT_EQ(seen.records[1], (SeenRecord{13, 1, "7", "", {}}));
}

TEST(JsonArray, GivesEachElement) {
  EXPECT_THAT(texts("[{\"a\":1}, {\"a\":[2,3]},\n 4 , \"5,]\" ]\n"),
              ElementsAre("{\"a\":1}", "{\"a\":[2,3]}", "4", "\"5,]\""));
  EXPECT_THAT(texts("[]"), IsEmpty());
  EXPECT_THAT(texts("\n [ \n ] \n"), IsEmpty());
  EXPECT_THAT(texts("[1]"), ElementsAre("1"));
  EXPECT_THAT(texts("[\"\\\"]\", \"\\\\\",\"]\"]"), ElementsAre("\"\\\"]\"", "\"\\\\\"", "\"]\""));
  EXPECT_EQ(see("[1]").layout, RecordLayout::array);
  EXPECT_THAT(texts("[1]", layout(JsonLayout::array)), ElementsAre("1"));
  EXPECT_THAT(texts("", layout(JsonLayout::array)), IsEmpty());
  EXPECT_THAT(texts("[1]\n[2]\n", layout(JsonLayout::lines)), ElementsAre("[1]", "[2]"));
}

TEST(JsonArray, SaysWhatIsMissingOrTooMuch) {
  EXPECT_THAT(texts("[1,,2,]"),
              ElementsAre("1", "!empty array element: ", "2", "!empty array element: "));
  EXPECT_THAT(texts("[{\"a\":1},{\"a\":2}"),
              ElementsAre("{\"a\":1}", "{\"a\":2}", "!truncated JSON array: "));
  EXPECT_THAT(texts("[{\"a\":1},{\"a\": 2 \n"),
              ElementsAre("{\"a\":1}", "!truncated JSON array: {\"a\": 2"));
  EXPECT_THAT(texts("[1, 23"), ElementsAre("1", "!truncated JSON array: 23"));
  EXPECT_THAT(texts("[1, "), ElementsAre("1", "!truncated JSON array: "));
  EXPECT_THAT(texts("["), ElementsAre("!truncated JSON array: "));
  EXPECT_THAT(texts("[1, \"a]"), ElementsAre("1", "!truncated JSON array: \"a]"));
  EXPECT_THAT(texts("[1]\n [2] x \n"),
              ElementsAre("1", "!text after the end of the JSON array: [2] x"));
  EXPECT_THAT(texts("[1}]"), ElementsAre("1}"));
}

TEST(JsonArray, CutsDamagedElementsWhereJsonCannotGoOn) {
  // A bracket is missing: of the element, of an object in it, of a list in it.
  EXPECT_THAT(texts("[\n{\"a\":1,\n{\"a\":2},\n{\"a\":3}\n]"),
              ElementsAre("{\"a\":1,", "{\"a\":2}", "{\"a\":3}"));
  EXPECT_THAT(texts("[{\"a\":{\"b\":1},{\"a\":2},{\"a\":3}]"),
              ElementsAre("{\"a\":{\"b\":1}", "{\"a\":2}", "{\"a\":3}"));
  EXPECT_THAT(texts("[{\"a\":[1,2},{\"a\":[3]}]"), ElementsAre("{\"a\":[1,2}", "{\"a\":[3]}"));
  EXPECT_THAT(texts("[{\"a\":[{\"b\":1,{\"b\":2}]},{\"a\":[]},{\"a\":[}]"),
              ElementsAre("{\"a\":[{\"b\":1,{\"b\":2}]}", "{\"a\":[]}", "{\"a\":[}"));
  // A quote is missing: the string ends with its line.
  EXPECT_THAT(texts("[\n  {\"a\":\"x},\n  {\"a\":\"y\"},\n  {\"a\":\"z\"}\n]\n"),
              ElementsAre("{\"a\":\"x},", "{\"a\":\"y\"}", "{\"a\":\"z\"}"));
  // A line was cut.
  EXPECT_THAT(texts("[{\"a\":1},\n{\"a\":2, \"b\n{\"a\":3},\n{\"a\":4}]"),
              ElementsAre("{\"a\":1}", "{\"a\":2, \"b", "{\"a\":3}", "{\"a\":4}"));
  // An object that begins a line is a value behind a colon, an item in a list.
  EXPECT_THAT(texts("[{\"a\":\n{\"b\":1}, \"c\":[\n{\"d\":1},\n{\"d\":2}], \n{\"a\":2}]"),
              ElementsAre("{\"a\":\n{\"b\":1}, \"c\":[\n{\"d\":1},\n{\"d\":2}],", "{\"a\":2}"));
  // The last one.
  EXPECT_THAT(texts("[{\"a\":1},\n{\"a\":{\"b\":2}\n]"),
              ElementsAre("{\"a\":1}", "{\"a\":{\"b\":2}\n]", "!truncated JSON array: "));
}

TEST(JsonArray, CutsDamagedElementsThatAreTooLongToo) {
  std::string text = "[{\"a\":{\"b\":0},\n";
  for (int i = 0; i < 50; ++i) text += "{\"a\":" + std::to_string(i) + "},\n";
  text += "{\"a\":[" + std::string(100, '7') + ",\n{\"a\":1},{\"a\":2}]";
  RecordOptions options;
  options.max_record_bytes = 40;
  for (const size_t chunk : {1u, 7u, 64u, 1000u}) {
    options.chunk_bytes = chunk;
    const SeenInput seen = *see_all(text, options);
    ASSERT_EQ(seen.records.size(), 53u) << chunk;
    EXPECT_EQ(seen.records[0].text, "{\"a\":{\"b\":0},");
    EXPECT_EQ(seen.records[50].text, "{\"a\":49}");
    EXPECT_EQ(seen.records[51].broken, broken::too_long);
  }
}

TEST(JsonArray, RefusesOtherTextWhenAnArrayWasPromised) {
  const auto seen = see_all("\n {\"a\":1}", layout(JsonLayout::array));
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, ErrorCode::invalid_input);
  EXPECT_NE(seen.error().message.find("byte 2"), std::string::npos) << seen.error().message;
}

TEST(JsonValues, TakesPrettyPrintedAndConcatenatedObjects) {
  EXPECT_THAT(texts("{\n  \"a\": 1\n}\n{\n  \"a\": \"}\"\n}"),
              ElementsAre("{\n  \"a\": 1\n}", "{\n  \"a\": \"}\"\n}"));
  EXPECT_THAT(texts("{\"a\":1}{\"a\":2} {\"a\":3}\n"),
              ElementsAre("{\"a\":1}", "{\"a\":2}", "{\"a\":3}"));
  EXPECT_THAT(texts("{\"a\": [\n{\"b\": 1},\n{\"b\": 2}]}\n"),
              ElementsAre("{\"a\": [\n{\"b\": 1},\n{\"b\": 2}]}"));
  EXPECT_THAT(texts("{\"a\":\r\n{\"b\": 1}}\n"), ElementsAre("{\"a\":\r\n{\"b\": 1}}"));
  EXPECT_THAT(texts("{\n} 12 \"x y\"z}[1]\n"), ElementsAre("{\n}", "12", "\"x y\"z}", "[1]"));
  EXPECT_THAT(texts("{\n} {\"a\": \n"), ElementsAre("{\n}", "!truncated JSON value: {\"a\":"));
  EXPECT_THAT(texts("{\n} \"a "), ElementsAre("{\n}", "!truncated JSON value: \"a"));
}

TEST(JsonRecords, RefusesOtherEncodingsAndNamesThem) {
  using std::string_view_literals::operator""sv;
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"\xff\xfe[\0"sv, "UTF-16"},
      {"\xfe\xff\0["sv, "UTF-16"},
      {"[\0{\0"sv, "UTF-16"},
      {"\0[\0{"sv, "UTF-16"},
      {"\xff\xfe\0\0[\0\0\0"sv, "UTF-32"},
      {"\0\0\xfe\xff\0\0\0["sv, "UTF-32"},
      {"[\0\0\0"sv, "UTF-32"},
      {"\0\0\0["sv, "UTF-32"},
      {"\0\0\0\0"sv, "binary data"},
      {"\0"sv, "binary data"},
      {"\x1f\x8b\x08\0"sv, "gzip data"},
      {"\x28\xb5\x2f\xfd"sv, "zstd data"}};
  for (const auto& [bytes, what] : cases) {
    for (const size_t chunk : {1u, 100u}) {
      RecordOptions options;
      options.chunk_bytes = chunk;
      const auto seen = see_all(bytes, options);
      ASSERT_FALSE(seen) << what;
      EXPECT_EQ(seen.error().code, ErrorCode::invalid_input);
      EXPECT_NE(seen.error().message.find(what), std::string::npos) << seen.error().message;
    }
  }
}

TEST(JsonRecords, FollowsAnyDepthWithoutAStack) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_THAT(texts("[" + deep + ",1]"), ElementsAre(deep, "1"));
  EXPECT_THAT(texts("{\n}" + deep + "1"), ElementsAre("{\n}", deep, "1"));
  const std::string object = "{\"a\":" + deep + "}";
  EXPECT_THAT(texts(object + "\n1\n"), ElementsAre(object, "1"));
}

TEST(JsonRecords, BreaksWhatIsTooLongAndGoesOn) {
  RecordOptions options;
  options.max_record_bytes = 5'000;
  const std::string exact = "\"" + std::string(4'998, 'x') + "\"";
  const std::string longer = "\"" + std::string(20'000, 'x') + "\"";
  const std::string kept = longer.substr(0, raw_text_limit);
  for (size_t chunk : {1u, 64u, 5'000u, 1'000'000u}) {
    options.chunk_bytes = chunk;
    const SeenRecord lines_broken{5'001, 20'002, kept, broken::too_long, {}};
    const auto lines = see(exact + "\n" + longer + "\n1\n", options).records;
    EXPECT_THAT(lines, ElementsAre(SeenRecord{0, 5'000, exact, "", {}}, lines_broken,
                                   SeenRecord{25'004, 1, "1", "", {}}))
        << chunk;
    const auto array = see("[" + exact + "," + longer + ",1]", options).records;
    EXPECT_THAT(array, ElementsAre(SeenRecord{1, 5'000, exact, "", {}},
                                   SeenRecord{5'002, 20'002, kept, broken::too_long, {}},
                                   SeenRecord{25'005, 1, "1", "", {}}))
        << chunk;
    const auto cut = see("[1," + longer.substr(0, 9'000), options).records;
    ASSERT_EQ(cut.size(), 3u);
    EXPECT_EQ(cut[1].broken, broken::too_long);
    EXPECT_EQ(cut[2], (SeenRecord{9'003, 0, "", broken::truncated_array, {}}));
    const auto values = see("{\n}" + longer + " 1", options).records;
    EXPECT_THAT(values, ElementsAre(SeenRecord{0, 3, "{\n}", "", {}},
                                    SeenRecord{3, 20'002, kept, broken::too_long, {}},
                                    SeenRecord{20'006, 1, "1", "", {}}))
        << chunk;
  }
}

// The cut of 24-bit record numbers: more records than fit must never be in one block.
TEST(JsonRecords, ABlockNeverHasMoreRecordsThanARowKeyCanCount) {
  std::string text;
  text.reserve(36u << 20);
  // One line of almost the limit makes the blocks behind it start late, then the shortest records.
  text.append((16u << 20) - 1, 'x');
  while (text.size() < (36u << 20)) text += "\n1";
  io::MemoryStream stream(text);
  RecordBlocks blocks(stream, {});
  RecordBlock block;
  uint64_t count = 0;
  while (*blocks.next(block)) {
    JsonRecords records(block);
    for (RecordSlice record; records.next(record);) ++count;
    ASSERT_LT(records.count(), 1u << 24);
  }
  EXPECT_EQ(count, 1 + (text.size() - ((16u << 20) - 1)) / 2);
}

std::string random_json(std::mt19937_64& random, size_t bytes, std::string_view start) {
  static constexpr std::string_view pieces[] = {"{",    "}",     "[",         "]",    ",", ":",
                                                "\"",   "\\",    "1",         "x",    " ", "\n",
                                                "\r\n", "\"a\"", "{\"a\":1}", "\\\"", ",", "\n"};
  std::string text(start);
  while (text.size() < bytes) text += pieces[random() % std::size(pieces)];
  return text;
}

void expect_agreement(std::string_view text, RecordOptions options, uint64_t seed) {
  SlowJson slow(text, options.max_record_bytes);
  std::vector<SeenRecord> expected;
  const RecordLayout found = see(text, options).layout;
  // With a layout to be told from the content, blanks in front belong to no line.
  const size_t first = options.layout == JsonLayout::lines ? 0 : text.find_first_not_of(" \n\r");
  if (found == RecordLayout::lines) expected = slow.lines(std::min(first, text.size()));
  if (found == RecordLayout::array) expected = slow.array(text.find('[') + 1);
  if (found == RecordLayout::values) expected = slow.values(0);
  std::vector<size_t> chunks = {1, 2, 3, 63, 64, 65, 1'000};
  if (seed < 20) {
    for (size_t chunk = 1; chunk <= text.size() + 1; ++chunk) chunks.push_back(chunk);
  }
  for (const size_t chunk : chunks) {
    options.chunk_bytes = chunk;
    const SeenInput seen = see(text, options);
    ASSERT_EQ(seen.layout, found) << "seed " << seed << " chunk " << chunk;
    ASSERT_EQ(seen.records, expected) << "seed " << seed << " chunk " << chunk << "\n"
                                      << testing::PrintToString(text);
  }
}

TEST(JsonRecords, AgreesWithTheObviousReadingWhateverTheChunkSize) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    for (const std::string_view start : {"", "[", "{\n\"a\":1}", "{"}) {
      std::mt19937_64 random(seed);
      const std::string text = random_json(random, 1 + random() % 300, start);
      RecordOptions options;
      options.max_record_bytes = seed % 2 == 0 ? 1'000'000 : 1 + random() % 40;
      if (seed % 5 == 4) options.layout = JsonLayout::lines;
      expect_agreement(text, options, seed);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace weir::text
