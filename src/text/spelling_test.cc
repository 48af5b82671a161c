#include "text/spelling.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <limits>
#include <optional>

namespace weir::text {

void PrintTo(Spelling spelling, std::ostream* out) { *out << explain(spelling); }

namespace {

using std::string_literals::operator""s;

std::string to_text(__int128 value) {
  if (value < 0 && value != std::numeric_limits<__int128>::min()) return "-" + to_text(-value);
  unsigned __int128 rest = static_cast<unsigned __int128>(value);
  std::string digits;
  do {
    digits.insert(0, 1, static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest > 0);
  return (value < 0 ? "-" : "") + digits;
}

// "value", or what is wrong.
template <class Integer>
std::string integer(std::string_view text) {
  Integer value = 99;
  const Spelling result = parse_integer(text, value);
  if (result != Spelling::ok) {
    EXPECT_EQ(value, Integer{99}) << "a refused value was written";
    return std::string(explain(result));
  }
  return to_text(value);
}

std::string decimal(std::string_view text, int precision, int scale) {
  __int128 value = 0;
  const Spelling result = parse_decimal(text, precision, scale, value);
  return result == Spelling::ok ? to_text(value) : std::string(explain(result));
}

const std::string malformed(explain(Spelling::malformed));
const std::string out_of_range(explain(Spelling::out_of_range));
const std::string too_precise(explain(Spelling::too_precise));

// What no number type takes: foreign habits, blanks, other digits.
const std::string no_numbers[] = {
    "",
    " ",
    "-",
    "+",
    " 1",
    "1 ",
    "1\t",
    "\n1",
    "--1",
    "+-1",
    "1-",
    "0x10",
    "1_000",
    "1,000",
    "12,50",
    "1.000,5",
    "١٢٣",
    "\u00a0"
    "1",
    "1\u00a0",
    "null",
    "NULL",
    "nan",
    "inf",
    "Infinity",
    "1e",
    "e5",
    "1e+",
    ".",
    "1.",
    ".5",
    "-.5",
    "1.2.3",
    "\"1\"",
    "$1",
    "1%",
    "one",
    "1\0"s,
    "\0"s,
    "1l",
    "0b1",
    "１",
    "1e1.5",
    "1 000",
    "1'000",
    "true",
    "+",
    "(1)",
    "½",
};

TEST(Spelling, Boolean) {
  for (const char* text : {"true", "TRUE", "True", "tRuE", "t", "T", "1"}) {
    bool value = false;
    EXPECT_EQ(parse_boolean(text, value), Spelling::ok) << text;
    EXPECT_TRUE(value);
  }
  for (const char* text : {"false", "FALSE", "f", "F", "0"}) {
    bool value = true;
    EXPECT_EQ(parse_boolean(text, value), Spelling::ok) << text;
    EXPECT_FALSE(value);
  }
  for (const std::string& text :
       {""s, " true"s, "TRUE "s, "yes"s, "no"s, "on"s, "off"s, "y"s, "2"s, "-1"s, "01"s, "1.0"s,
        "tru"s, "truee"s, "\x11"s, "T\0"s, "wahr"s, "\x14rue"s}) {
    bool value = true;
    EXPECT_EQ(parse_boolean(text, value), Spelling::malformed) << text;
  }
}

TEST(Spelling, IntegersTakeSignsAndLeadingZeros) {
  EXPECT_EQ(integer<int32_t>("0"), "0");
  EXPECT_EQ(integer<int32_t>("-0"), "0");
  EXPECT_EQ(integer<int32_t>("+7"), "7");
  EXPECT_EQ(integer<int32_t>("007"), "7");
  EXPECT_EQ(integer<int8_t>("-" + std::string(500, '0') + "128"), "-128");
  EXPECT_EQ(integer<__int128>(std::string(500, '0')), "0");
}

TEST(Spelling, IntegersEndWhereTheirTypesEnd) {
  EXPECT_EQ(integer<int8_t>("127"), "127");
  EXPECT_EQ(integer<int8_t>("128"), out_of_range);
  EXPECT_EQ(integer<int8_t>("-128"), "-128");
  EXPECT_EQ(integer<int8_t>("-129"), out_of_range);
  EXPECT_EQ(integer<int16_t>("32767"), "32767");
  EXPECT_EQ(integer<int16_t>("32768"), out_of_range);
  EXPECT_EQ(integer<int16_t>("-32768"), "-32768");
  EXPECT_EQ(integer<int32_t>("2147483647"), "2147483647");
  EXPECT_EQ(integer<int32_t>("2147483648"), out_of_range);
  EXPECT_EQ(integer<int32_t>("-2147483648"), "-2147483648");
  EXPECT_EQ(integer<int64_t>("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(integer<int64_t>("9223372036854775808"), out_of_range);
  EXPECT_EQ(integer<int64_t>("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(integer<int64_t>("-9223372036854775809"), out_of_range);
  EXPECT_EQ(integer<int64_t>("9999999999999999999"), out_of_range);
  EXPECT_EQ(integer<int64_t>("18446744073709551617"), out_of_range) << "must not wrap";
  EXPECT_EQ(integer<__int128>("170141183460469231731687303715884105727"),
            "170141183460469231731687303715884105727");
  EXPECT_EQ(integer<__int128>("170141183460469231731687303715884105728"), out_of_range);
  EXPECT_EQ(integer<__int128>("-170141183460469231731687303715884105728"),
            "-170141183460469231731687303715884105728");
  EXPECT_EQ(integer<__int128>("-170141183460469231731687303715884105729"), out_of_range);
  EXPECT_EQ(integer<__int128>("340282366920938463463374607431768211457"), out_of_range);
  EXPECT_EQ(integer<__int128>("9117776942963408674"), "9117776942963408674");
  EXPECT_EQ(integer<__int128>(std::string(40, '1')), out_of_range);
}

TEST(Spelling, IntegersTakeNothingElse) {
  for (const std::string& text : no_numbers) {
    EXPECT_EQ(integer<int64_t>(text), malformed) << text;
    EXPECT_EQ(integer<__int128>(text), malformed) << text;
  }
  for (const char* text : {"1.7", "1.0", "1e3", "1E0", "12345678901234567890123x"}) {
    EXPECT_EQ(integer<int64_t>(text), malformed) << text;
  }
}

TEST(Spelling, DecimalsKeepEveryDigit) {
  EXPECT_EQ(decimal("12.34", 5, 2), "1234");
  EXPECT_EQ(decimal("12.3", 5, 2), "1230");
  EXPECT_EQ(decimal("12", 5, 2), "1200");
  EXPECT_EQ(decimal("-0.05", 5, 2), "-5");
  EXPECT_EQ(decimal("+000999.99", 5, 2), "99999");
  EXPECT_EQ(decimal("12.34000", 5, 2), "1234");
  EXPECT_EQ(decimal("12.345", 5, 2), too_precise);
  EXPECT_EQ(decimal("12.3400001", 5, 2), too_precise);
  EXPECT_EQ(decimal("1000", 5, 2), out_of_range);
  EXPECT_EQ(decimal("-1000.00", 5, 2), out_of_range);
  EXPECT_EQ(decimal("0.12345", 5, 5), "12345");
  EXPECT_EQ(decimal("1", 5, 5), out_of_range);
  EXPECT_EQ(decimal("99999999999999999999", 20, 0), "99999999999999999999");
  EXPECT_EQ(decimal("100000000000000000000", 20, 0), out_of_range);
  EXPECT_EQ(decimal("7.000", 20, 0), "7");
  EXPECT_EQ(decimal("7.0001", 20, 0), too_precise);
  const std::string nines(38, '9');
  EXPECT_EQ(decimal(nines, 38, 0), nines);
  EXPECT_EQ(decimal("-" + nines, 38, 0), "-" + nines);
  EXPECT_EQ(decimal("0." + nines, 38, 38), nines);
  EXPECT_EQ(decimal("9" + nines, 38, 0), out_of_range);
  EXPECT_EQ(decimal(std::string(1000, '9') + "." + std::string(1000, '9'), 38, 10), out_of_range);
}

TEST(Spelling, DecimalsTakeNothingElse) {
  for (const std::string& text : no_numbers) EXPECT_EQ(decimal(text, 10, 2), malformed) << text;
  EXPECT_EQ(decimal("1e3", 10, 2), malformed);
  EXPECT_EQ(decimal("123456789012345.5x", 10, 2), malformed) << "grammar comes before range";
}

TEST(Spelling, DoublesAreTheNearest) {
  const std::pair<const char*, double> cases[] = {
      {"0", 0.0},
      {"1", 1.0},
      {"-1.5", -1.5},
      {"+1.5", 1.5},
      {"0.1", 0.1},
      {"1e3", 1000.0},
      {"1E+3", 1000.0},
      {"25e-1", 2.5},
      {"007.50", 7.5},
      {"1e-320", 1e-320},
      {"1.7976931348623157e308", 1.7976931348623157e308},
      {"4.9e-324", 4.9e-324},
      {"9007199254740993", 9007199254740992.0},
      {"0e999999999999", 0.0},
      {"0.000e-99999", 0.0},
  };
  for (const auto& [text, expected] : cases) {
    double value = -7;
    EXPECT_EQ(parse_double(text, value), Spelling::ok) << text;
    EXPECT_EQ(value, expected) << text;
  }
  double value = 1;
  EXPECT_EQ(parse_double("-0", value), Spelling::ok);
  EXPECT_FALSE(std::signbit(value));
  for (const char* text :
       {"1e309", "-1e309", "1e999999999999999999999", "1e-400", "1e-999999999999999999999"}) {
    EXPECT_EQ(parse_double(text, value), Spelling::out_of_range) << text;
  }
}

TEST(Spelling, RealsHaveTheirOwnRange) {
  float value = 0;
  EXPECT_EQ(parse_real("0.1", value), Spelling::ok);
  EXPECT_EQ(value, 0.1f);
  EXPECT_EQ(parse_real("3.4028235e38", value), Spelling::ok);
  EXPECT_EQ(parse_real("3.5e38", value), Spelling::out_of_range);
  EXPECT_EQ(parse_real("1e-46", value), Spelling::out_of_range);
  EXPECT_EQ(parse_real("-1e39", value), Spelling::out_of_range);
}

TEST(Spelling, FloatsTakeNothingElse) {
  for (const std::string& text : no_numbers) {
    double value = 0;
    EXPECT_EQ(parse_double(text, value), Spelling::malformed) << text;
  }
  double value = 0;
  for (const char* text : {"-inf", "+Infinity", "NaN", "nan(1)", "0x1p3", "1f", "1e5 "}) {
    EXPECT_EQ(parse_double(text, value), Spelling::malformed) << text;
  }
}

TEST(Spelling, NumbersDoNotDependOnTheLocale) {
  const char* const german = std::setlocale(LC_ALL, "de_DE.UTF-8");
  double value = 0;
  EXPECT_EQ(parse_double("1.5", value), Spelling::ok);
  EXPECT_EQ(value, 1.5);
  EXPECT_EQ(parse_double("1,5", value), Spelling::malformed);
  if (german != nullptr) std::setlocale(LC_ALL, "C");
}

std::optional<int32_t> date(std::string_view text) {
  int32_t days = 0;
  if (parse_date(text, days) != Spelling::ok) return std::nullopt;
  return days;
}

Spelling date_problem(std::string_view text) {
  int32_t days = 0;
  return parse_date(text, days);
}

TEST(Spelling, DatesFollowTheCalendar) {
  EXPECT_EQ(date("1970-01-01"), 0);
  EXPECT_EQ(date("1969-12-31"), -1);
  EXPECT_EQ(date("2000-02-29"), 11016);
  EXPECT_EQ(date("2024-02-29"), 19782);
  EXPECT_EQ(date("0001-01-01"), -719162);
  EXPECT_EQ(date("9999-12-31"), 2932896);
  for (const char* text : {"2023-02-29", "1900-02-29", "2021-04-31", "2021-13-01", "2021-00-10",
                           "2021-01-00", "2021-01-32", "0000-13-01"}) {
    EXPECT_EQ(date_problem(text), Spelling::no_such_date) << text;
  }
  EXPECT_EQ(date_problem("0000-01-01"), Spelling::out_of_range);
  for (const std::string& text :
       {""s, "2021-1-1"s, "20210101"s, "2021/01/01"s, "03/04/2021"s, "01-02-2021"s, "2021-01-01 "s,
        " 2021-01-01"s, "+2021-01-01"s, "12021-01-01"s, "2021-01-01T00:00"s, "2021-W01-1"s,
        "2021-01-0\0"s, "٢٠٢١-٠١-٠١"s, "2021-1 -01"s, "today"s, "-001-01-01"s, "2021-01"s}) {
    EXPECT_EQ(date_problem(text), Spelling::malformed) << text;
  }
}

TEST(Spelling, EveryDayFollowsTheDayBefore) {
  static constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int32_t expected = -719162;
  for (int year = 1; year <= 9999; ++year) {
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    for (int month = 1; month <= 12; ++month) {
      const int days = lengths[month - 1] + (month == 2 && leap ? 1 : 0);
      char text[32];
      std::snprintf(text, sizeof text, "%04d-%02d-01", year, month);
      ASSERT_EQ(date(text), expected) << text;
      std::snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, days + 1);
      ASSERT_EQ(date_problem(text), Spelling::no_such_date) << text;
      expected += days;
    }
  }
}

std::string time_of_day(std::string_view text) {
  int64_t micros = 0;
  const Spelling result = parse_time(text, micros);
  return result == Spelling::ok ? std::to_string(micros) : std::string(explain(result));
}

TEST(Spelling, Times) {
  EXPECT_EQ(time_of_day("00:00"), "0");
  EXPECT_EQ(time_of_day("23:59:59.999999"), "86399999999");
  EXPECT_EQ(time_of_day("01:02:03"), "3723000000");
  EXPECT_EQ(time_of_day("01:02:03.5"), "3723500000");
  EXPECT_EQ(time_of_day("01:02:03.123456000"), "3723123456");
  EXPECT_EQ(time_of_day("01:02:03.1234561"), too_precise);
  for (const char* text : {"24:00", "24:00:00", "00:60", "23:59:60"}) {
    EXPECT_EQ(time_of_day(text), explain(Spelling::no_such_date)) << text;
  }
  for (const std::string& text : {""s, "1:02"s, "01:2"s, "0102"s, "01:02:3"s, "01:02:03."s,
                                  "01:02.5"s, "01:02 PM"s, "01:02:03Z"s, "01:02:03+01"s, "01.02"s,
                                  " 01:02"s, "01:02 "s, "01:02:03,5"s, "-1:02"s, "01:02\0"s}) {
    EXPECT_EQ(time_of_day(text), malformed) << text;
  }
}

std::string timestamp(std::string_view text) {
  int64_t micros = 0;
  const Spelling result = parse_timestamp(text, micros);
  return result == Spelling::ok ? std::to_string(micros) : std::string(explain(result));
}

TEST(Spelling, TimestampsHaveNoOffset) {
  EXPECT_EQ(timestamp("1970-01-01T00:00"), "0");
  EXPECT_EQ(timestamp("1970-01-01 00:00:01"), "1000000");
  EXPECT_EQ(timestamp("1969-12-31T23:59:59.999999"), "-1");
  EXPECT_EQ(timestamp("2021-11-07T02:48:42"), "1636253322000000");
  EXPECT_EQ(timestamp("9999-12-31T23:59:59.999999"), "253402300799999999");
  for (const char* text : {"2021-11-07T02:48:42Z", "2021-11-07 02:48:42+00",
                           "2021-11-07T02:48-0300", "2021-11-07T02:48:42.5+05:30"}) {
    EXPECT_EQ(timestamp(text), explain(Spelling::unexpected_offset)) << text;
  }
  EXPECT_EQ(timestamp("2021-02-30T00:00"), explain(Spelling::no_such_date));
  EXPECT_EQ(timestamp("2021-02-03T24:00"), explain(Spelling::no_such_date));
  EXPECT_EQ(timestamp("2021-02-03T00:00:00.0000001"), too_precise);
  EXPECT_EQ(timestamp("0000-02-03T00:00"), out_of_range);
  for (const std::string& text :
       {""s, "2021-11-07"s, "2021-11-07T"s, "2021-11-07T02"s, "2021-11-07t02:48"s,
        "2021-11-07  02:48"s, "2021-11-07T02:48:42 "s, "2021-11-07T02:48:42 Z"s, "1636253322"s,
        "2021-11-07T02:48:42z"s, "2021-11-07T02:48:42+1"s, "2021-11-07T02:48:42UTC"s,
        "2021-02-30T00:0x"s, "07/11/2021 02:48"s, "2021-11-07_02:48"s,
        "2021-11-07\u00a0"
        "02:48"s}) {
    EXPECT_EQ(timestamp(text), malformed) << text;
  }
}

std::string timestamptz(std::string_view text) {
  int64_t micros = 0;
  const Spelling result = parse_timestamptz(text, micros);
  return result == Spelling::ok ? std::to_string(micros) : std::string(explain(result));
}

TEST(Spelling, TimestamptzNeedsItsOffset) {
  EXPECT_EQ(timestamptz("2021-11-07T02:48:42Z"), "1636253322000000");
  EXPECT_EQ(timestamptz("2021-11-06T23:48:42-03:00"), "1636253322000000");
  EXPECT_EQ(timestamptz("2021-11-06 23:48:42-03"), "1636253322000000");
  EXPECT_EQ(timestamptz("2021-11-07T08:18:42.25+0530"), "1636253322250000");
  EXPECT_EQ(timestamptz("1970-01-01T00:00+00"), "0");
  EXPECT_EQ(timestamptz("1970-01-01T00:00-00:00"), "0");
  EXPECT_EQ(timestamptz("1970-01-01T15:59+15:59"), "0");
  EXPECT_EQ(timestamptz("2021-11-07T02:48:42"), explain(Spelling::missing_offset));
  EXPECT_EQ(timestamptz("0001-01-01T00:00+01"), out_of_range);
  EXPECT_EQ(timestamptz("0001-01-01T01:00+01"), "-62135596800000000");
  EXPECT_EQ(timestamptz("9999-12-31T23:59:59.999999-01"), out_of_range);
  EXPECT_EQ(timestamptz("2021-02-30T00:00Z"), explain(Spelling::no_such_date));
  for (const char* text :
       {"", "Z", "2021-11-07Z", "2021-11-07T02:48:42z", "2021-11-07T02:48:42 Z",
        "2021-11-07T02:48:42+1", "2021-11-07T02:48:42+1:00", "2021-11-07T02:48:42+01:0",
        "2021-11-07T02:48:42+16", "2021-11-07T02:48:42+00:60", "2021-11-07T02:48:42UTC",
        "2021-11-07T02:48:42 America/Lima", "2021-11-07T02:48:42+01:00:00", "garbage",
        "2021-11-07T02:48:42ZZ", "2021-11-07T02:48:42+-1:00"}) {
    EXPECT_EQ(timestamptz(text), malformed) << text;
  }
}

TEST(Spelling, Uuids) {
  uint64_t high = 0;
  uint64_t low = 0;
  EXPECT_EQ(parse_uuid("00112233-4455-6677-8899-aAbBcCdDeEfF", high, low), Spelling::ok);
  EXPECT_EQ(high, 0x0011223344556677u);
  EXPECT_EQ(low, 0x8899aabbccddeeffu);
  for (const std::string& text :
       {""s, "00112233445566778899aabbccddeeff"s, "{00112233-4455-6677-8899-aabbccddeeff}"s,
        "00112233-4455-6677-8899-aabbccddeef"s, "00112233-4455-6677-8899-aabbccddeeffa"s,
        "0011223-34455-6677-8899-aabbccddeeff"s, "g0112233-4455-6677-8899-aabbccddeeff"s,
        "00112233-4455-6677-8899-aabbccddeef "s, "00112233-4455-6677-8899-aabbccddee\0f"s}) {
    EXPECT_EQ(parse_uuid(text, high, low), Spelling::malformed) << text;
  }
}

TEST(Spelling, BytesAreHexadecimal) {
  std::string value = "old";
  EXPECT_EQ(parse_bytes("\\x00ffAb", value), Spelling::ok);
  EXPECT_EQ(value, "\x00\xff\xab"s);
  EXPECT_EQ(parse_bytes("\\x", value), Spelling::ok);
  EXPECT_EQ(value, "");
  for (const char* text :
       {"", "\\", "x00", "\\x0", "\\x0g", "00ff", "0x00", "\\X00", "\\x00 ", "AP8="}) {
    EXPECT_EQ(parse_bytes(text, value), Spelling::malformed) << text;
  }
}

TEST(Spelling, Utf8) {
  for (const std::string& text : {""s, "plain"s, "\0"s, "é"s, "日本語"s, "😀"s, "a long one with é"s,
                                  "\xef\xbf\xbf"s, "\xf4\x8f\xbf\xbf"s}) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  }
  for (const std::string& text :
       {"\xe9"s, "abc\xe9"s, "\x80"s, "\xc0\x80"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xff"s,
        "\xe2\x82"s, "\xf8\x88\x80\x80\x80"s, std::string(100, 'a') + "\xc3"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
  EXPECT_EQ(count_code_points(""), 0u);
  EXPECT_EQ(count_code_points("aé日😀"), 4u);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "é";
  EXPECT_EQ(count_code_points(many), 1000u);
}

TEST(Spelling, Json) {
  for (const std::string& text :
       {"{}"s, "[]"s, " [ ] "s, "1"s, "-0.5e+3"s, "0"s, "\"\""s, "null"s, "true"s, "false"s,
        "{\"a\":[1,{\"b\":null}],\"c\":\"\\u00e9\\n\\\"\"}"s, "\"\\ud83d\\ude00\""s, "\"é\""s,
        "[1,2 , 3]"s, "{\"a\" : 1 , \"a\" : 2}"s, "\"\x7f\""s, "1E5"s, "[[[]]]"s}) {
    EXPECT_TRUE(is_valid_json(text)) << text;
  }
  for (const std::string& text : {""s,
                                  " "s,
                                  "{"s,
                                  "}"s,
                                  "["s,
                                  "]"s,
                                  "[1,]"s,
                                  "[,1]"s,
                                  "{\"a\"}"s,
                                  "{\"a\":}"s,
                                  "{a:1}"s,
                                  "{\"a\":1,}"s,
                                  "{1:2}"s,
                                  "'a'"s,
                                  "01"s,
                                  "-"s,
                                  "+1"s,
                                  "1."s,
                                  ".5"s,
                                  "1e"s,
                                  "nul"s,
                                  "nulll"s,
                                  "True"s,
                                  "NaN"s,
                                  "Infinity"s,
                                  "\"a"s,
                                  "\"\\x\""s,
                                  "\"\\u12\""s,
                                  "\"\\u12g4\""s,
                                  "\"\n\""s,
                                  "\"\t\""s,
                                  "\"\0\""s,
                                  "1 2"s,
                                  "{} []"s,
                                  "[1 2]"s,
                                  "\"\\ud800\""s,
                                  "\"\\udc00\""s,
                                  "\"\\ud800\\u0041\""s,
                                  "\"\\ud800x\""s,
                                  "\"\xe9\""s,
                                  "// x\n1"s,
                                  "[1}"s,
                                  "{\"a\":1]"s,
                                  "\xef\xbb\xbf{}"s,
                                  "1\0"s,
                                  "\"\\"s,
                                  "\"\\u"s,
                                  "\"\\ud800\\u"s}) {
    EXPECT_FALSE(is_valid_json(text)) << text;
  }
}

TEST(Spelling, JsonDepthIsLimitedWithoutUsingTheStack) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(is_valid_json(nested(1024)));
  EXPECT_FALSE(is_valid_json(nested(1025)));
  EXPECT_TRUE(is_valid_json(nested(3), 3));
  EXPECT_FALSE(is_valid_json(nested(4), 3));
  EXPECT_FALSE(is_valid_json(nested(10'000'000), 1'000'000));
  EXPECT_TRUE(is_valid_json("7", 0));
}

}  // namespace
}  // namespace weir::text
