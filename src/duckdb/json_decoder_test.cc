#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duckdb/scan_for_test.h"

namespace weir::duckdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr int broken = static_cast<int>(ScanRule::broken);
constexpr int first_column = static_cast<int>(ScanRule::count);

class JsonDecoderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { database_ = open_in_memory(); }
  static void TearDownTestSuite() { database_.reset(); }

  /// Lines read into columns.
  Scanned lines(std::vector<std::pair<std::string, std::string>> columns, const std::string& text) {
    return scan(*database_, {Format::json, std::move(columns), {text}});
  }
  /// One value of the column v: its text, "NULL", or the broken rules.
  std::string value(const std::string& type, const std::string& json) {
    return of_record(type, "{\"v\": " + json + "}");
  }
  std::string of_record(const std::string& type, const std::string& record) {
    const Scanned seen = lines({{"v", type}}, record);
    if (!seen.error.empty()) return "error: " + seen.error;
    EXPECT_EQ(seen.records, 1u) << record;
    EXPECT_EQ(seen.rows.size() + seen.rejected_rows, 1u) << record;
    if (!seen.rows.empty()) return seen.rows.front();
    std::string problems;
    for (const SeenReject& reject : seen.rejects) {
      problems += (problems.empty() ? "" : "; ");
      problems += reject.rule == first_column ? "no " + type
                  : reject.rule == broken     ? "broken"
                                              : "rule " + std::to_string(reject.rule);
    }
    return problems;
  }

  static std::unique_ptr<Database> database_;
};

std::unique_ptr<Database> JsonDecoderTest::database_;

std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// Type, JSON, what becomes of it.
const std::tuple<const char*, const char*, const char*> spellings[] = {
    {"boolean", "true", "true"},
    {"boolean", "\"f\"", "false"},
    {"boolean", "1", "true"},
    {"boolean", "2", "no boolean"},
    {"tinyint", "-128", "-128"},
    {"tinyint", "\"127\"", "127"},
    {"tinyint", "128", "no tinyint"},
    {"tinyint", "true", "no tinyint"},
    {"smallint", "-32768", "-32768"},
    {"smallint", "32768", "no smallint"},
    {"integer", "2147483647", "2147483647"},
    {"integer", "2147483648", "no integer"},
    {"integer", "1.0", "no integer"},
    {"integer", "1e3", "no integer"},
    {"integer", "-0", "0"},
    {"integer", "\"\"", "no integer"},
    {"integer", "\" 1\"", "no integer"},
    {"integer", "{}", "no integer"},
    {"integer", "[1]", "no integer"},
    {"bigint", "-9223372036854775808", "-9223372036854775808"},
    {"bigint", "9223372036854775808", "no bigint"},
    {"hugeint", "170141183460469231731687303715884105727",
     "170141183460469231731687303715884105727"},
    {"hugeint", "170141183460469231731687303715884105728", "no hugeint"},
    {"real", "1.5", "1.5"},
    {"real", "1e39", "no real"},
    {"double", "1e308", "1e+308"},
    {"double", "1e400", "no double"},
    {"double", "\"nan\"", "no double"},
    {"double", "-0.0", "0.0"},
    {"decimal(4,1)", "-999.9", "-999.9"},
    {"decimal(4,1)", "1000", "no decimal(4,1)"},
    {"decimal(9,2)", "1234567.89", "1234567.89"},
    {"decimal(18,3)", "\"123456789012345.678\"", "123456789012345.678"},
    {"decimal(20,0)", "12345678901234567890", "12345678901234567890"},
    {"decimal(38,0)", "99999999999999999999999999999999999999",
     "99999999999999999999999999999999999999"},
    {"decimal(38,38)", "-0.12345678901234567890123456789012345678",
     "-.12345678901234567890123456789012345678"},
    {"decimal(38,0)", "100000000000000000000000000000000000000", "no decimal(38,0)"},
    {"decimal(5,2)", "12.345", "no decimal(5,2)"},
    {"decimal(5,2)", "12.340", "12.34"},
    {"decimal(5,2)", "1e1", "no decimal(5,2)"},
    {"varchar", "\"x\"", "x"},
    {"varchar", "12345678901234567890", "12345678901234567890"},
    {"varchar", "1.50", "1.50"},
    {"varchar", "false", "false"},
    {"varchar", "\"\"", ""},
    {"varchar", "{\"a\":1}", "no varchar"},
    {"varchar", "[]", "no varchar"},
    {"bytes", "\"\\\\x00ff\"", "\\x00\\xFF"},
    {"bytes", "\"00ff\"", "no bytes"},
    {"date", "\"2017-02-28\"", "2017-02-28"},
    {"date", "\"2017-02-29\"", "no date"},
    {"date", "20170228", "no date"},
    {"time", "\"23:59:59.999999\"", "23:59:59.999999"},
    {"time", "\"24:00\"", "no time"},
    {"timestamp", "\"2017-07-01T12:00:00.5\"", "2017-07-01 12:00:00.5"},
    {"timestamp", "\"2017-07-01T12:00:00Z\"", "no timestamp"},
    {"timestamptz", "\"2017-07-01T12:00:00-03:00\"", "2017-07-01 15:00:00+00"},
    {"timestamptz", "\"2017-07-01T12:00:00\"", "no timestamptz"},
    {"uuid", "\"00000000-0000-0000-0000-000000000001\"", "00000000-0000-0000-0000-000000000001"},
    {"uuid", "\"FFFFFFFF-ffff-ffff-ffff-ffffffffffff\"", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
    {"uuid", "1", "no uuid"},
    {"json", "1e400", "1e400"},
    {"json", "\"a\\u00e9\"", "\"a\\u00e9\""},
    {"json", " {\"b\" : [1 , 2 ]} ", "{\"b\" : [1 , 2 ]}"},
    {"json", "true", "true"},
    {"integer[]", "[1, null, -3]", "[1, NULL, -3]"},
    {"integer[]", "[]", "[]"},
    {"integer[]", "1", "no integer[]"},
    {"integer[]", "\"[1]\"", "no integer[]"},
    {"integer[]", "[1, 2.5, 3]", "no integer[]"},
    {"varchar[]", "[\"a\", {\"x\":1}]", "no varchar[]"},
    {"json[]", "[1, \"a\", {\"x\": [1]}, null]", "[1, \"a\", {\"x\": [1]}, NULL]"},
    {"bigint[][]", "[[1], [], null, [2, 3]]", "[[1], [], NULL, [2, 3]]"},
    {"bigint[][]", "[[1], 2]", "no bigint[][]"}};

TEST_F(JsonDecoderTest, EveryTypeTakesItsSpellingFromStringsNumbersAndBooleans) {
  for (const auto& [type, json, expected] : spellings) {
    EXPECT_EQ(value(type, json), expected) << json << " as " << type;
  }
}

TEST_F(JsonDecoderTest, NullAndAbsentAreNullForEveryType) {
  for (const char* type :
       {"boolean",   "tinyint", "smallint",     "integer",       "bigint",  "hugeint",
        "real",      "double",  "decimal(4,0)", "decimal(38,2)", "varchar", "bytes",
        "date",      "time",    "timestamp",    "timestamptz",   "uuid",    "json",
        "integer[]", "json[]",  "bigint[][]"}) {
    EXPECT_EQ(value(type, "null"), "NULL") << type;
    EXPECT_EQ(of_record(type, "{}"), "NULL") << type;
    EXPECT_EQ(of_record(type, "{\"V\": 1, \"vv\": [1]}"), "NULL") << type;
    EXPECT_EQ(value(type, "nul"), "broken") << type;
    EXPECT_EQ(value(type, "nullx"), "broken") << type;
  }
}

TEST_F(JsonDecoderTest, EscapesAreResolvedOrRefused) {
  EXPECT_EQ(value("varchar", R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")"),
            "\"\\/\b\f\n\r\t\u00e9\U0001F600");
  EXPECT_EQ(value("varchar", R"("a\u0000b")"), std::string("a\0b", 3));
  EXPECT_EQ(value("varchar[]", R"(["\u0041", "a long text with an escape: \u0042"])"),
            "[A, 'a long text with an escape: B']");
  EXPECT_EQ(value("integer", R"("\u0031\u0032")"), "12");
  for (const char* bad :
       {R"("\ud800")", R"("\udc00")", R"("\udfff x")", R"("\ud800\u0041")", R"("\ud83d\ud83d")",
        R"("\ud83dx")", R"("\x41")", R"("\u12")", R"("\u12g4")", R"("\")", R"("\U00e9")"}) {
    for (const char* type : {"varchar", "json", "varchar[]", "json[]", "integer"}) {
      const bool list = std::string(type).ends_with("[]");
      EXPECT_EQ(value(type, list ? std::string("[") + bad + "]" : bad), "broken")
          << bad << " as " << type;
    }
    EXPECT_EQ(of_record("varchar", std::string("{\"other\": ") + bad + "}"), "broken") << bad;
    EXPECT_EQ(of_record("varchar", std::string("{\"other\": {") + bad + ": 1}}"), "broken") << bad;
    EXPECT_EQ(of_record("json", std::string("{\"v\": {") + bad + ": 1}}"), "broken") << bad;
    EXPECT_EQ(of_record("varchar", std::string("{") + bad + ": 1}"), "broken") << bad;
  }
}

TEST_F(JsonDecoderTest, WhatIsNotJsonIsBrokenAlsoInUndeclaredMembers) {
  for (const char* bad : {"01",         "-",           "+1",
                          "1.",         ".5",          "1e",
                          "1e+",        "0x10",        "1_000",
                          "NaN",        "Infinity",    "tru",
                          "truee",      "True",        "'a'",
                          "\"a",        "a",           "[1,]",
                          "[,1]",       "[1 2]",       "[1",
                          "1]",         "{\"a\"}",     "{\"a\":}",
                          "{\"a\":1,}", "{,}",         "{\"a\":1 \"b\":2}",
                          "{a:1}",      "[1}",         "{\"a\":1]",
                          "1 2",        "\"a\" \"b\"", "[[]",
                          "\"a\"x",     "1x",          "nulll",
                          "",           "[\"a\tb\"]",  "\"a\x01b\"",
                          "[tru]",      "[{\"a\":01}]"}) {
    for (const char* type : {"integer", "varchar", "json", "json[]", "bigint[][]", "date"}) {
      EXPECT_THAT(value(type, bad), StartsWith("broken")) << bad << " as " << type;
    }
    EXPECT_EQ(of_record("varchar", std::string("{\"v\": \"x\", \"o\": ") + bad + "}"), "broken")
        << bad;
  }
}

TEST_F(JsonDecoderTest, TextBehindTheValueIsBroken) {
  for (const char* text : {"{\"v\":1}}", "{\"v\":1} x", "{\"v\":1},", "{\"v\":1}]", "{\"v\":1} {}",
                           "{\"v\":1", "{\"v\":1,", "{\"v\"", "{"}) {
    const Scanned seen =
        lines({{"v", "integer"}}, "{\"v\":7}\n" + std::string(text) + "\n{\"v\":8}");
    EXPECT_THAT(seen.rows, ElementsAre("7", "8")) << text;
    EXPECT_EQ(seen.rejected_rows, 1u) << text;
    EXPECT_EQ(seen.records, 3u) << text;
  }
}

TEST_F(JsonDecoderTest, ElementsThatAreNoObjectsAreToldApartFromBrokenOnes) {
  const Scanned seen = lines({{"v", "integer"}}, "\"y\"\n[1]\n\"x\"\nnull\n[1,\nx\n{\"v\":1}");
  EXPECT_THAT(seen.rows, ElementsAre("1"));
  EXPECT_THAT(seen.problems(), ElementsAre("1: \"y\"", "1: [1]", "1: \"x\"", "1: null",
                                           "0: not valid JSON", HasSubstr("0: ")));
}

TEST_F(JsonDecoderTest, MembersThereTwiceAreRejectedWhateverTheirSpelling) {
  const std::string twice = "rule " + std::to_string(static_cast<int>(ScanRule::duplicate_member));
  EXPECT_EQ(of_record("integer", R"({"v": 1, "v": 1})"), twice);
  EXPECT_EQ(of_record("integer", R"({"v": 1, "\u0076": 2})"), twice);
  EXPECT_EQ(of_record("json[]", R"({"v": [1], "v": [2]})"), twice);
  EXPECT_EQ(of_record("integer", R"({"v": null, "v": 1})"), twice);
  EXPECT_EQ(of_record("integer", R"({"V": 1, "v": 2})"), "2");
  EXPECT_EQ(of_record("integer", R"({"o": 1, "o": 2, "v": 3})"), "3");
  EXPECT_EQ(of_record("integer", R"({"\u0076": 4})"), "4");
  // The values of the row before must not show through.
  const Scanned seen = lines({{"v", "integer"}, {"w", "varchar[]"}},
                             "{\"v\":1,\"w\":[\"a\"],\"v\":2}\n{\"w\":[\"b\"]}\n{\"v\":3}");
  EXPECT_THAT(seen.rows, ElementsAre("NULL|[b]", "3|NULL"));
}

TEST_F(JsonDecoderTest, ARowWrittenAfterARejectedOneHoldsItsOwnValuesOnly) {
  const Scanned seen = lines(
      {{"a", "integer"}, {"b", "varchar"}, {"c", "integer[]"}, {"d", "json[][]"}},
      "{\"a\":null,\"b\":\"a text of more than twelve\",\"c\":[1,2],\"d\":[[1],[2]],\"a\":1}\n"
      "{\"b\":\"short\",\"a\":5}\n"
      "{\"a\":\"x\",\"c\":[3,\"y\"],\"d\":[[1],[{]]}\n"
      "{\"a\":6,\"c\":[null],\"d\":[null,[null]]}\n"
      "{\"a\":1.5,\"b\":null,\"c\":null,\"d\":[[1],2]}\n"
      "{\"a\":7,\"b\":\"another long text, longer than twelve\",\"c\":[],\"d\":[[],[3]]}\n");
  EXPECT_THAT(seen.rows, ElementsAre("5|short|NULL|NULL", "6|NULL|[NULL]|[NULL, [NULL]]",
                                     "7|another long text, longer than twelve|[]|[[], [3]]"));
  EXPECT_EQ(seen.rejected_rows, 3u);
}

TEST_F(JsonDecoderTest, ElementsOfRejectedListsAreNotLookedAt) {
  // A cast of a list column looks at all elements of its vector, also those no row refers to.
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text += "{\"v\": [\"a text of more than twelve " + std::to_string(i) + "\"]}\n";
    text += "{\"v\": [\"q\", {\"no\": \"text\"}]}\n";
    text += "{\"v\": [\"q\", \"\\x\"]}\n";
  }
  ScanRequest request{Format::json, {{"v", "varchar[]"}}, {text}};
  request.select = "count(*), count(TRY_CAST(v AS INTEGER[])), count(CAST(v AS VARCHAR))";
  request.chunk_bytes = 10'000;
  EXPECT_THAT(scan_with(*database_, request, "SELECT " + request.select + " FROM {scan}").rows,
              ElementsAre("3000|3000|3000"));
}

TEST_F(JsonDecoderTest, NestingStopsAtAThousandForEveryKindOfColumn) {
  const auto nested = [](size_t depth) { return repeated("[", depth) + repeated("]", depth); };
  const auto objects = [](size_t depth) {
    return repeated("{\"a\":", depth) + "1" + repeated("}", depth);
  };
  for (const char* type : {"integer", "varchar", "json", "integer[]", "json[]", "json[][]"}) {
    for (const size_t depth : {size_t{1001}, size_t{1100}, size_t{5000}, size_t{100'000}}) {
      EXPECT_EQ(value(type, nested(depth)), "broken") << type << " " << depth;
      EXPECT_EQ(value(type, objects(depth)), "broken") << type << " " << depth;
      EXPECT_EQ(value(type, "[" + objects(depth) + "]"), "broken") << type << " " << depth;
      EXPECT_EQ(of_record(type, "{\"o\": " + nested(depth) + "}"), "broken") << type << depth;
    }
    EXPECT_EQ(of_record(type, "{\"o\": " + nested(999) + "}"), "NULL") << type;
  }
  EXPECT_EQ(value("json", nested(999)), nested(999));
  EXPECT_THAT(lines({{"v", "json"}}, "{\"v\":" + nested(2000) + "}").problems(),
              ElementsAre("0: nested too deep"));
  EXPECT_THAT(lines({{"v", "json"}}, nested(3000)).rejected_rows, 1u);
}

/// What the list columns of the record `i` hold, in DuckDB's spelling.
struct ListRow {
  std::string json;
  std::string expected;
};

ListRow list_row(size_t i) {
  std::string json, list, nested_json, nested;
  for (size_t k = 0; k < i % 7; ++k) {
    const bool null = (i + k) % 5 == 0;
    const std::string number = std::to_string(i * 10 + k);
    json += (k > 0 ? "," : "") + (null ? "null" : number);
    list += (k > 0 ? ", " : "") + (null ? "NULL" : number);
    nested_json += (k > 0 ? ",[" : "[") + json + "]";
    nested += (k > 0 ? ", [" : "[") + list + "]";
  }
  const std::string text = "an object's text number " + std::to_string(i);
  return {"{\"i\":" + std::to_string(i) + ",\"n\":[" + json + "],\"nn\":[" + nested_json +
              "],\"nnn\":[[" + nested_json + "],null,[]],\"j\":[\"" + text + "\"],\"jj\":[[\"" +
              text + "\"],[]]}",
          std::to_string(i) + "|[" + list + "]|[" + nested + "]|[[" + nested + "], NULL, []]|[\"" +
              text + "\"]|[[\"" + text + "\"], []]"};
}

TEST_F(JsonDecoderTest, ListsKeepTheirElementsOverChunksAndBlocks) {
  std::string text;
  std::vector<std::string> expected;
  for (size_t i = 0; i < 20'000; ++i) {
    ListRow row = list_row(i);
    text += row.json + "\n";
    expected.push_back(std::move(row.expected));
    if (i % 11 == 0)
      text += "{\"i\":1,\"n\":[1,2,\"x\"],\"nn\":[[1],[2,{}]],\"nnn\":[[[4,5],{}]]}\n";
    if (i % 13 == 0) text += "{\"i\":1,\"nn\":[[1],[2,3],[tru]]}\n";
  }
  for (const size_t chunk_bytes : {size_t{100}, size_t{64'000}, size_t{4u << 20}}) {
    ScanRequest request{Format::json,
                        {{"i", "integer"},
                         {"n", "integer[]"},
                         {"nn", "bigint[][]"},
                         {"nnn", "bigint[][][]"},
                         {"j", "json[]"},
                         {"jj", "json[][]"}},
                        {text}};
    request.chunk_bytes = chunk_bytes;
    const Scanned seen = scan(*database_, request);
    EXPECT_EQ(seen.error, "");
    EXPECT_EQ(seen.rejected_rows, 1819u + 1539u);
    ASSERT_EQ(seen.rows.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(seen.rows[i], expected[i]) << i;
  }
}

TEST_F(JsonDecoderTest, OneListMayHoldMoreElementsThanAChunkHasRows) {
  std::string numbers;
  for (int i = 0; i < 100'000; ++i) numbers += (i > 0 ? "," : "") + std::to_string(i);
  const std::string small = "{\"v\":[1],\"w\":[[2],[3]]}\n";
  ScanRequest request{Format::json,
                      {{"v", "bigint[]"}, {"w", "bigint[][]"}},
                      {small + "{\"v\":[" + numbers + "],\"w\":[[" + numbers + "],[],[" + numbers +
                       "]]}\n" + small + small}};
  const Scanned seen = scan_with(
      *database_, request,
      "SELECT len(v), list_sum(v), len(w), list_sum(flatten(w)) FROM {scan} ORDER BY weir_row");
  EXPECT_THAT(seen.rows,
              ElementsAre("1|1|2|5", "100000|4999950000|3|9999900000", "1|1|2|5", "1|1|2|5"));
}

TEST_F(JsonDecoderTest, ColumnsNobodyWantsAreStillJudged) {
  ScanRequest request{Format::json,
                      {{"a", "integer"}, {"l", "integer[][]"}, {"t", "varchar"}},
                      {"{\"a\":1,\"l\":[[1],[\"x\"]]}\n{\"a\":2,\"l\":[[1,2]]}\n{\"a\":\"y\"}\n"}};
  EXPECT_THAT(scan_with(*database_, request, "SELECT count(*) FROM {scan}").rows, ElementsAre("1"));
  EXPECT_THAT(scan_with(*database_, request, "SELECT t FROM {scan}").rows, ElementsAre("NULL"));
  EXPECT_THAT(scan_with(*database_, request, "SELECT a, t FROM {scan}").problems(),
              ElementsAre("6: [[1],[\"x\"]]", "5: y"));
}

TEST_F(JsonDecoderTest, BytesThatAreNotUtf8AreNoText) {
  const Scanned seen =
      lines({{"v", "varchar"}}, "{\"v\":\"caf\xe9\"}\n{\"v\":\"ok\"}\n{\"v\":\"\xed\xa0\x80\"}\n");
  EXPECT_THAT(seen.rows, ElementsAre("ok"));
  EXPECT_THAT(seen.problems(), ElementsAre("4: ", "4: "));
}

TEST_F(JsonDecoderTest, LongTextsStayWhatTheyAreWhileTheyAreCopiedOn) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) {
    text += "{\"v\":\"text number " + std::to_string(i) + (i % 3 == 0 ? "\\u0021" : "!") + "\"}\n";
  }
  ScanRequest request{Format::json, {{"v", "varchar"}}, {text}};
  for (const size_t chunk_bytes : {size_t{64}, size_t{5'000}, size_t{1u << 20}}) {
    request.chunk_bytes = chunk_bytes;
    const Scanned seen = scan_with(
        *database_, request,
        "SELECT count(*), count(DISTINCT v), min(length(v)), max(v), bool_and(v LIKE 'text number "
        "%!') FROM {scan}");
    EXPECT_THAT(seen.rows, ElementsAre("50000|50000|14|text number 9999!|true"));
    EXPECT_THAT(seen.problems(), IsEmpty());
  }
}

}  // namespace
}  // namespace weir::duckdb
