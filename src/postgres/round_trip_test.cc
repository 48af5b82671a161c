#include <fmt/format.h>
#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "postgres/column_for_test.h"
#include "postgres/test_server_for_test.h"
#include "postgres/types.h"

// Edge values of every type go through a bulk load into each target that takes them, and are read
// back as text. Each table is loaded twice: as COPY BINARY, and, with a column of an enumeration
// beside it, as COPY's text.

namespace weir::postgres {
namespace {

using server::Cell;
using Fill = std::function<void(BuiltColumn&)>;

struct Trip {
  std::string name;
  std::string type;    ///< of the batch
  std::string target;  ///< empty: what weir creates for the type
  Fill fill;
  std::vector<Cell> expected;
  bool straight = true;
};

template <typename Value>
Fill values(std::vector<Value> list) {
  return [list](BuiltColumn& column) {
    for (const Value& value : list) column.add(value);
    column.add_null();
  };
}

Fill wide_values(std::vector<std::string> list) {
  return [list](BuiltColumn& column) {
    for (const std::string& value : list) column.add(int128(value));
    column.add_null();
  };
}

Fill texts(std::vector<std::string> list) {
  return [list](BuiltColumn& column) {
    for (const std::string& text : list) column.add_text(text);
    column.add_null();
  };
}

constexpr uint8_t yes = 1, no = 0;
const std::string long_text(70'000, 'x');
constexpr double largest = std::numeric_limits<double>::max();
constexpr const char* digits38 = "99999999999999999999999999999999999999";

std::vector<Trip> integer_trips() {
  const auto null = std::nullopt;
  const Fill tiny = values<int8_t>({INT8_MIN, -1, 0, INT8_MAX});
  const std::vector<Cell> tiny_texts = {"-128", "-1", "0", "127", null};
  const Fill small = values<int16_t>({INT16_MIN, 0, INT16_MAX});
  const std::vector<Cell> small_texts = {"-32768", "0", "32767", null};
  const Fill four = values<int32_t>({INT32_MIN, -10'000, 10'000, INT32_MAX});
  const std::vector<Cell> four_texts = {"-2147483648", "-10000", "10000", "2147483647", null};
  const Fill eight = values<int64_t>({INT64_MIN, 9117776942963408674, INT64_MAX});
  const std::vector<Cell> eight_texts = {"-9223372036854775808", "9117776942963408674",
                                         "9223372036854775807", null};
  const std::string least = "-170141183460469231731687303715884105728";
  const std::string most = "170141183460469231731687303715884105727";
  return {
      {"tinyint", "tinyint", "", tiny, tiny_texts},
      {"tinyint_int4", "tinyint", "integer", tiny, tiny_texts},
      {"tinyint_int8", "tinyint", "bigint", tiny, tiny_texts},
      {"tinyint_numeric", "tinyint", "numeric(3,0)", tiny, tiny_texts},
      {"smallint", "smallint", "", small, small_texts},
      {"smallint_int8", "smallint", "bigint", small, small_texts},
      {"smallint_float4", "smallint", "real", small, small_texts, false},
      {"integer", "integer", "", four, four_texts},
      {"integer_int8", "integer", "bigint", four, four_texts},
      {"integer_numeric", "integer", "numeric", four, four_texts},
      {"integer_hundreds",
       "integer",
       "numeric(10,-2)",
       values<int32_t>({12'300, -100}),
       {"12300", "-100", null}},
      {"integer_float8", "integer", "double precision", four, four_texts, false},
      {"bigint", "bigint", "", eight, eight_texts},
      {"bigint_numeric", "bigint", "numeric(20,0)", eight, eight_texts},
      {"bigint_int4", "bigint", "integer", values<int64_t>({7, -7}), {"7", "-7", null}, false},
      {"bigint_text", "bigint", "text", eight, eight_texts, false},
      {"hugeint",
       "hugeint",
       "",
       wide_values({least, "0", "18446744073709551616", most}),
       {least, "0", "18446744073709551616", most, null}},
      {"hugeint_int8", "hugeint", "bigint", wide_values({"-5"}), {"-5", null}, false},
  };
}

std::vector<Trip> number_trips() {
  const auto null = std::nullopt;
  const std::string nines = digits38;
  return {
      {"decimal4",
       "decimal(4,2)",
       "",
       values<int16_t>({-9999, -1, 0, 9999}),
       {"-99.99", "-0.01", "0.00", "99.99", null}},
      {"decimal9",
       "decimal(9,9)",
       "",
       values<int32_t>({999'999'999, 1, -10'000}),
       {"0.999999999", "0.000000001", "-0.000010000", null}},
      {"decimal18",
       "decimal(18,5)",
       "",
       values<int64_t>({999'999'999'999'999'999, 100'000, 1'000'000'000}),
       {"9999999999999.99999", "1.00000", "10000.00000", null}},
      {"decimal38",
       "decimal(38,0)",
       "",
       wide_values({nines, "-" + nines, "0"}),
       {nines, "-" + nines, "0", null}},
      {"decimal38_38",
       "decimal(38,38)",
       "",
       wide_values({nines, "-1", "0"}),
       {"0." + nines, "-0." + std::string(37, '0') + "1", "0." + std::string(38, '0'), null}},
      {"decimal38_37", "decimal(38,37)", "", wide_values({nines}), {"9." + nines.substr(1), null}},
      {"decimal_wider",
       "decimal(4,2)",
       "numeric(12,6)",
       values<int16_t>({1234}),
       {"12.340000", null}},
      {"decimal_any", "decimal(9,3)", "numeric", values<int32_t>({1'500}), {"1.500", null}},
      {"decimal_fewer_digits",
       "decimal(9,4)",
       "numeric(9,2)",
       values<int32_t>({12'300}),
       {"1.23", null}},
      {"decimal_int4", "decimal(9,0)", "integer", values<int32_t>({5}), {"5", null}, false},
      {"real",
       "real",
       "",
       values<float>({-0.0F, 0.1F, std::numeric_limits<float>::denorm_min(),
                      std::numeric_limits<float>::max(), INFINITY, -INFINITY}),
       {"-0", "0.1", "1e-45", "3.4028235e+38", "Infinity", "-Infinity", null}},
      {"real_float8",
       "real",
       "double precision",
       values<float>({0.5F, -16777216.0F}),
       {"0.5", "-16777216", null}},
      {"double",
       "double",
       "",
       values<double>({-0.0, 0.1, largest, 5e-324, 1.0 / 3, NAN}),
       {"-0", "0.1", "1.7976931348623157e+308", "5e-324", "0.3333333333333333", "NaN", null}},
      {"double_float4", "double", "real", values<double>({0.25, -2}), {"0.25", "-2", null}},
      {"boolean", "boolean", "", values<uint8_t>({yes, no}), {"t", "f", null}},
  };
}

std::vector<Trip> text_trips() {
  const auto null = std::nullopt;
  const std::string emoji = "\U0001F600 e\u0301 \u00f1";
  const std::vector<std::string> many = {"",    "twelve bytes", "thirteen byte", "tr ailing  ",
                                         "\\N", "a\tb\nc\rd\\", emoji,           long_text,
                                         "\\.", "NULL",         "\x01\x7f"};
  std::vector<Cell> many_texts(many.begin(), many.end());
  many_texts.push_back(null);
  const std::string json = R"({"b" : 1.0,  "a": "\u00e9", "b": [null]})";
  const std::string bytes("\0\xff\\x\n", 5);
  return {
      {"varchar", "varchar", "", texts(many), many_texts},
      {"varchar_n",
       "varchar(3)",
       "",
       texts({"abc", "\U0001F600\U0001F600\U0001F600", "a  "}),
       {"abc", "\U0001F600\U0001F600\U0001F600", "a  ", null}},
      {"varchar_char", "varchar", "character(3)", texts({"abc", "a"}), {"abc", "a  ", null}},
      {"varchar_json", "varchar", "json", texts({"[1, 2]"}), {"[1, 2]", null}},
      {"varchar_uuid",
       "varchar",
       "uuid",
       texts({"00112233-4455-6677-8899-aabbccddeeff"}),
       {"00112233-4455-6677-8899-aabbccddeeff", null},
       false},
      {"varchar_inet", "varchar", "inet", texts({"10.0.0.1"}), {"10.0.0.1", null}, false},
      {"json", "json", "", texts({json, "\"x\"", "null"}), {json, "\"x\"", "null", null}},
      {"jsonb", "json", "jsonb", texts({json, "7"}), {R"({"a": "é", "b": [null]})", "7", null}},
      {"json_text", "json", "text", texts({json}), {json, null}},
      {"bytes", "bytes", "", texts({"", bytes}), {"\\x", "\\x00ff5c780a", null}},
  };
}

std::vector<Trip> moment_trips() {
  const auto null = std::nullopt;
  const Fill moments =
      values<int64_t>({micros_of(first_day), micros_of(last_day, 23, 59, 59, 999'999), -1, 0,
                       micros_of(18'779, 12, 34, 56, 700'000), INT64_MAX, -INT64_MAX});
  const std::vector<Cell> moment_texts = {"0001-01-01 00:00:00",
                                          "9999-12-31 23:59:59.999999",
                                          "1969-12-31 23:59:59.999999",
                                          "1970-01-01 00:00:00",
                                          "2021-06-01 12:34:56.7",
                                          "infinity",
                                          "-infinity",
                                          null};
  std::vector<Cell> zoned_texts = moment_texts;
  for (size_t i = 0; i < 5; ++i) *zoned_texts[i] += "+00";
  const server::Int128 uuid = {0x8899aabbccddeeffULL,
                               static_cast<int64_t>(0x0011223344556677ULL ^ (1ULL << 63))};
  const server::Int128 zero = {0, INT64_MIN};
  const server::Int128 ones = {UINT64_MAX, INT64_MAX};
  return {
      {"date",
       "date",
       "",
       values<int32_t>({first_day, last_day, 0, -1, 10'956, 10'957, 11'016, first_day - 1,
                        INT32_MAX, -INT32_MAX}),
       {"0001-01-01", "9999-12-31", "1970-01-01", "1969-12-31", "1999-12-31", "2000-01-01",
        "2000-02-29", "0001-12-31 BC", "infinity", "-infinity", null}},
      {"date_timestamp",
       "date",
       "timestamp",
       values<int32_t>({0}),
       {"1970-01-01 00:00:00", null},
       false},
      {"time",
       "time",
       "",
       values<int64_t>({0, 86'399'999'999, micros_of(0, 1, 2, 3, 40)}),
       {"00:00:00", "23:59:59.999999", "01:02:03.00004", null}},
      {"timestamp", "timestamp", "", moments, moment_texts},
      {"timestamp3",
       "timestamp",
       "timestamp(3)",
       values<int64_t>({1'000, 86'400'000'000}),
       {"1970-01-01 00:00:00.001", "1970-01-02 00:00:00", null}},
      {"timestamptz", "timestamptz", "", moments, zoned_texts},
      {"uuid",
       "uuid",
       "",
       values<server::Int128>({uuid, zero, ones}),
       {"00112233-4455-6677-8899-aabbccddeeff", "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff", null}},
  };
}

std::vector<Trip> list_trips() {
  const auto null = std::nullopt;
  const Fill integers = [](BuiltColumn& column) {
    column.add_list([](BuiltColumn& list) { list.add(int32_t{1}).add_null().add(INT32_MIN); });
    column.add_list([](BuiltColumn&) {});
    column.add_list([](BuiltColumn& list) { list.add(int32_t{-7}); });
    column.add_null();
  };
  const std::vector<Cell> integer_texts = {"{1,NULL,-2147483648}", "{}", "{-7}", null};
  const Fill words = [](BuiltColumn& column) {
    column.add_list([](BuiltColumn& list) {
      list.add_text("")
          .add_text("NULL")
          .add_text("a\"b\\c,{}")
          .add_null()
          .add_text("longer than twelve");
    });
    column.add_null();
  };
  const Fill decimals = [](BuiltColumn& column) {
    column.add_list([](BuiltColumn& list) { list.add(int128(digits38)).add(int128("-1")); });
    column.add_list([](BuiltColumn& list) { list.add_null(); });
  };
  const Fill documents = [](BuiltColumn& column) {
    column.add_list([](BuiltColumn& list) { list.add_text("{\"a\": [1]}").add_text("null"); });
  };
  const Fill days = [](BuiltColumn& column) {
    column.add_list([](BuiltColumn& list) { list.add(first_day).add(last_day); });
  };
  const std::string nines = digits38;
  const std::string words_text = "{\"\",\"NULL\",\"a\\\"b\\\\c,{}\",NULL,\"longer than twelve\"}";
  return {
      {"integers", "integer[]", "", integers, integer_texts},
      {"integers_int8", "integer[]", "bigint[]", integers, integer_texts},
      {"integers_text", "integer[]", "text[]", integers, integer_texts, false},
      {"words", "varchar[]", "", words, {words_text, null}},
      {"words_n", "varchar[]", "varchar(20)[]", words, {words_text, null}},
      {"decimals",
       "decimal(38,2)[]",
       "",
       decimals,
       {"{" + nines.substr(0, 36) + ".99,-0.01}", "{NULL}"}},
      {"documents", "json[]", "", documents, {"{\"{\\\"a\\\": [1]}\",\"null\"}"}},
      {"documents_jsonb", "json[]", "jsonb[]", documents, {"{\"{\\\"a\\\": [1]}\",\"null\"}"}},
      {"days", "date[]", "", days, {"{0001-01-01,9999-12-31}"}},
  };
}

/// The rows' values, read back in order.
std::vector<Cell> load(server::Connection& session, const Trip& trip, bool beside_enumeration) {
  BuiltColumn ordinals("integer");
  BuiltColumn column(trip.type);
  BuiltColumn moods("varchar");
  trip.fill(column);
  for (size_t i = 0; i < column.rows(); ++i) {
    ordinals.add(static_cast<int32_t>(i));
    moods.add_text(i % 2 == 0 ? "good" : "bad");
  }
  const std::string target = trip.target.empty() ? column_type(column.type()) : trip.target;
  EXPECT_TRUE(session.begin());
  EXPECT_TRUE(session.run("CREATE TYPE mood AS ENUM ('good', 'bad')"));
  EXPECT_TRUE(session.run(fmt::format("CREATE TABLE trip (n integer, v {}, m mood)", target)));
  server::BulkTarget bulk{"", "trip", {{"n", ordinals.type()}, {"v", column.type()}}};
  std::vector<server::ColumnView> columns = {ordinals.view(), column.view()};
  if (beside_enumeration) {
    bulk.columns.push_back({"m", moods.type()});
    columns.push_back(moods.view());
  }
  auto bulk_load = session.bulk_load(bulk);
  if (!bulk_load) {
    ADD_FAILURE() << bulk_load.error().to_string();
    return {};
  }
  const bool straight = trip.straight && !beside_enumeration;
  EXPECT_EQ((*bulk_load)->way().empty(), straight) << (*bulk_load)->way();
  const auto appended = (*bulk_load)->append({column.rows(), columns});
  EXPECT_TRUE(appended) << appended.error().to_string();
  const auto rows = (*bulk_load)->finish();
  EXPECT_TRUE(rows) << rows.error().to_string();
  EXPECT_EQ(rows.value_or(0), column.rows());
  std::vector<Cell> read;
  EXPECT_TRUE(session.stream("SELECT v FROM trip ORDER BY n", {}, [&](auto cells) {
    read.push_back(cells[0]);
    return true;
  }));
  session.rollback();
  return read;
}

std::vector<Trip> all_trips() {
  std::vector<Trip> all;
  for (const auto& some :
       {integer_trips(), number_trips(), text_trips(), moment_trips(), list_trips()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

TEST(RoundTrip, GivesBackWhatWentIn) {
  const auto session = TestServer::shared().connect();
  for (const Trip& trip : all_trips()) {
    SCOPED_TRACE(trip.name);
    EXPECT_THAT(load(*session, trip, false), testing::ElementsAreArray(trip.expected));
    EXPECT_THAT(load(*session, trip, true), testing::ElementsAreArray(trip.expected)) << "as text";
  }
}

/// Values of a type, evenly over its bits or digits; some of them NULL.
void add_random(BuiltColumn& column, std::mt19937_64& random) {
  const DataType& type = column.type();
  if (column.rows() != 0 && random() % 8 == 0) {
    column.add_null();
    return;
  }
  switch (type.kind) {
    case TypeKind::decimal: {
      __int128 value = 0;
      const auto digits = static_cast<int>(random() % type.precision) + 1;
      for (int i = 0; i < digits; ++i) value = value * 10 + static_cast<int>(random() % 10);
      if (random() % 2 == 0) value = -value;
      if (type.precision <= 4) {
        column.add(static_cast<int16_t>(value));
      } else if (type.precision <= 9) {
        column.add(static_cast<int32_t>(value));
      } else if (type.precision <= 18) {
        column.add(static_cast<int64_t>(value));
      } else {
        column.add(int128(value));
      }
      return;
    }
    case TypeKind::date:
      column.add(static_cast<int32_t>(first_day + random() % (last_day - first_day + 1)));
      return;
    case TypeKind::timestamp:
    case TypeKind::timestamptz: {
      const uint64_t span = micros_of(int64_t{last_day} + 1) - micros_of(first_day);
      column.add(static_cast<int64_t>(micros_of(first_day) + random() % span));
      return;
    }
    case TypeKind::time: column.add(static_cast<int64_t>(random() % micros_of(1))); return;
    case TypeKind::uuid:
      column.add(server::Int128{random(), static_cast<int64_t>(random())});
      return;
    case TypeKind::double_: column.add(std::bit_cast<double>(random())); return;
    case TypeKind::real: column.add(std::bit_cast<float>(static_cast<uint32_t>(random()))); return;
    default: {
      std::string bytes(random() % 40, 0);
      for (char& byte : bytes) byte = static_cast<char>(random());
      column.add_text(bytes);
    }
  }
}

TEST(RoundTrip, BothFormsAgreeOnRandomValues) {
  constexpr uint64_t seed = 20'261'120;
  constexpr size_t rows = 3'000;
  std::mt19937_64 random(seed);
  std::vector<BuiltColumn> built;
  for (const char* type :
       {"date", "time", "timestamp", "timestamptz", "uuid", "double", "real", "bytes"}) {
    built.emplace_back(std::string(type));
  }
  for (int precision = 1; precision <= 38; ++precision) {
    const auto scale = static_cast<int>(random() % (precision + 1));
    built.emplace_back(fmt::format("decimal({},{})", precision, scale));
  }
  BuiltColumn moods("varchar");
  std::string definition = "m mood";
  server::BulkTarget target;
  std::vector<server::ColumnView> columns;
  for (size_t row = 0; row < rows; ++row) moods.add_text("good");
  for (size_t i = 0; i < built.size(); ++i) {
    for (size_t row = 0; row < rows; ++row) add_random(built[i], random);
    definition += fmt::format(", c{} {}", i, column_type(built[i].type()));
    target.columns.push_back({fmt::format("c{}", i), built[i].type()});
    columns.push_back(built[i].view());
  }
  const auto session = TestServer::shared().connect();
  ASSERT_TRUE(session->begin());
  ASSERT_TRUE(session->run("CREATE TYPE mood AS ENUM ('good')"));
  for (const std::string table : {"binary_rows", "text_rows"}) {
    ASSERT_TRUE(session->run(fmt::format("CREATE TABLE {} ({})", table, definition)));
    target.table = table;
    if (table == "text_rows") {
      target.columns.push_back({"m", moods.type()});
      columns.push_back(moods.view());
    }
    auto bulk_load = session->bulk_load(target);
    ASSERT_TRUE(bulk_load) << bulk_load.error().to_string();
    const auto appended = (*bulk_load)->append({rows, columns});
    ASSERT_TRUE(appended) << appended.error().to_string();
    const auto taken = (*bulk_load)->finish();
    ASSERT_TRUE(taken) << taken.error().to_string();
    ASSERT_TRUE(session->run(fmt::format("UPDATE {} SET m = 'good'", table)));
  }
  const auto differing = session->run(
      "SELECT coalesce(x, y) FROM (SELECT b::text AS x FROM binary_rows b) b FULL JOIN "
      "(SELECT t::text AS y FROM text_rows t) t ON x = y WHERE x IS NULL OR y IS NULL");
  ASSERT_TRUE(differing) << differing.error().to_string();
  EXPECT_EQ(differing->size(), 0) << "seed " << seed << ": "
                                  << (differing->size() == 0 ? "" : differing->text(0, 0));
  EXPECT_EQ(session->run("SELECT DISTINCT b::text FROM binary_rows b")->size(), rows);
}

}  // namespace
}  // namespace weir::postgres
