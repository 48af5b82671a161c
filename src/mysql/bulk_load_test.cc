#include "mysql/bulk_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <random>
#include <thread>

#include "mysql/batch_for_test.h"
#include "mysql/connection.h"
#include "mysql/test_server_for_test.h"
#include "mysql/types.h"

namespace weir::mysql {
namespace {

using server::BulkTarget;
using server::Cell;
using server::Connection;
using server::Int128;
using server::Rows;
using ::testing::HasSubstr;
using ::testing::StartsWith;
template <typename T>
using Values = std::vector<std::optional<T>>;

/// Each test runs on a server's own way and on the fallback.
class BulkLoadTest : public ::testing::TestWithParam<bool> {
 protected:
  BulkLoadTest() {
    shared_server().execute(GetParam() ? "SET GLOBAL local_infile = 1"
                                       : "SET GLOBAL local_infile = 0");
    session_ = connect(shared_server().options()).value();
  }
  ~BulkLoadTest() override { shared_server().execute("SET GLOBAL local_infile = 1"); }

  Rows run(const std::string& sql, const std::vector<Cell>& parameters = {}) {
    auto rows = session_->run(sql, parameters);
    EXPECT_TRUE(rows) << sql << ": " << rows.error().to_string();
    return rows ? *std::move(rows) : Rows{};
  }
  void create_for(const TestBatch& batch) {
    std::string sql;
    const Dialect dialect = dialect_of(session_->version());
    for (const auto& column : batch.columns()) {
      sql += ", " + column.name + " " +
             column_type(column.type, dialect, session_->quote_identifier(column.name)).value();
    }
    run("CREATE OR REPLACE TABLE loaded (n__ INT AUTO_INCREMENT PRIMARY KEY" + sql +
        ") ENGINE = InnoDB");
  }
  Result<uint64_t> load(TestBatch& batch, const std::string& table = "loaded") {
    auto load = session_->bulk_load({"", table, batch.columns()});
    if (!load) return fail(std::move(load).error());
    EXPECT_THAT((*load)->way(),
                GetParam() ? std::string()
                           : "multi-row INSERT, because LOAD DATA LOCAL INFILE is not allowed: "
                             "local_infile is OFF on the server");
    WEIR_TRY((*load)->append(batch.batch()));
    return (*load)->finish();
  }
  /// Loads the batch into a table made for it, and expects the only column's cells back.
  void expect_back(TestBatch& batch, const std::vector<Cell>& expected) {
    create_for(batch);
    const auto count = load(batch);
    ASSERT_TRUE(count) << batch.columns()[0].type.to_string() << ": " << count.error().to_string();
    EXPECT_EQ(*count, expected.size());
    const Rows rows = run("SELECT " + batch.columns()[0].name + " FROM loaded ORDER BY n__");
    ASSERT_EQ(rows.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(rows.rows[i][0], expected[i]) << batch.columns()[0].type.to_string();
    }
  }
  template <typename T>
  void expect_integers(const char* type) {
    const Values<T> values = {
        0, 1, -1, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), std::nullopt};
    std::vector<Cell> expected;
    for (const auto& value : values) {
      expected.push_back(value ? Cell(std::to_string(*value)) : std::nullopt);
    }
    TestBatch batch;
    batch.add<T>("c", type, values);
    expect_back(batch, expected);
  }

  std::unique_ptr<Connection> session_;
};
INSTANTIATE_TEST_SUITE_P(Ways, BulkLoadTest, ::testing::Bool(), [](const auto& each) {
  return std::string(each.param ? "LoadData" : "Insert");
});

Int128 huge(__int128 value) {
  return {static_cast<uint64_t>(value), static_cast<int64_t>(value >> 64)};
}

TEST_P(BulkLoadTest, IntegersComeBack) {
  expect_integers<int8_t>("tinyint");
  expect_integers<int16_t>("smallint");
  expect_integers<int32_t>("integer");
  expect_integers<int64_t>("bigint");
  TestBatch booleans;
  booleans.add<uint8_t>("c", "boolean", {1, 0, std::nullopt});
  expect_back(booleans, {"1", "0", std::nullopt});
  TestBatch hugeints;
  hugeints.add<Int128>("c", "hugeint",
                       {Int128{0, INT64_MIN}, Int128{UINT64_MAX, INT64_MAX}, Int128{0, 0}, huge(-1),
                        huge(static_cast<__int128>(10'000'000'000'000'000'000U) * 10)});
  expect_back(hugeints,
              {"-170141183460469231731687303715884105728",
               "170141183460469231731687303715884105727", "0", "-1", "100000000000000000000"});
}

TEST_P(BulkLoadTest, DecimalsComeBackExactly) {
  TestBatch small;
  small.add<int16_t>("c", "decimal(4,2)", {9999, -9999, 5, -5, 0, 100, std::nullopt});
  expect_back(small, {"99.99", "-99.99", "0.05", "-0.05", "0.00", "1.00", std::nullopt});
  TestBatch middle;
  middle.add<int32_t>("c", "decimal(9,9)", {999'999'999, -1});
  expect_back(middle, {"0.999999999", "-0.000000001"});
  TestBatch large;
  large.add<int64_t>("c", "decimal(18,0)", {999'999'999'999'999'999, -999'999'999'999'999'999});
  expect_back(large, {"999999999999999999", "-999999999999999999"});
  __int128 most = 1;
  for (int i = 0; i < 38; ++i) most *= 10;
  TestBatch widest;
  widest.add<Int128>("c", "decimal(38,30)", {huge(most - 1), huge(1 - most), huge(1)});
  expect_back(widest,
              {"99999999.999999999999999999999999999999",
               "-99999999.999999999999999999999999999999", "0.000000000000000000000000000001"});
}

TEST_P(BulkLoadTest, FloatsComeBackBitByBit) {
  std::mt19937_64 random(20'261'120);
  Values<double> doubles = {0.1,
                            1e308,
                            -1.7976931348623157e308,
                            5e-324,
                            2.2250738585072014e-308,
                            9007199254740993.0,
                            0.0,
                            123456789012345678.0};
  Values<float> reals = {0.1F,        3.4028235e38F, -3.4028235e38F, 1.17549435e-38F,
                         16777216.0F, 8.589973e9F};
  while (doubles.size() < 2000) {
    const uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value)) doubles.push_back(value);
    float real = 0;
    std::memcpy(&real, &bits, sizeof real);
    if (std::isnormal(real)) reals.push_back(real);
  }
  TestBatch batch;
  batch.add<double>("c", "double", doubles);
  create_for(batch);
  const auto loaded = load(batch);
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  Rows rows = run("SELECT c FROM loaded ORDER BY n__");
  ASSERT_EQ(rows.size(), doubles.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(std::strtod(rows.text(i, 0).c_str(), nullptr), *doubles[i]);
  }
  TestBatch real_batch;
  real_batch.add<float>("c", "real", reals);
  create_for(real_batch);
  const auto reals_loaded = load(real_batch);
  ASSERT_TRUE(reals_loaded) << reals_loaded.error().to_string();
  rows = run("SELECT c FROM loaded ORDER BY n__");
  ASSERT_EQ(rows.size(), reals.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(std::strtof(rows.text(i, 0).c_str(), nullptr), *reals[i]);
  }
}

TEST_P(BulkLoadTest, MomentsComeBackToTheMicrosecond) {
  TestBatch dates;
  dates.add<int32_t>("c", "date", {-719'162, 2'932'896, 0, -1, 11'016, 19'782, std::nullopt});
  expect_back(dates, {"0001-01-01", "9999-12-31", "1970-01-01", "1969-12-31", "2000-02-29",
                      "2024-02-29", std::nullopt});
  TestBatch times;
  times.add<int64_t>("c", "time", {0, 86'399'999'999, 1, 3'600'000'000});
  expect_back(times, {"00:00:00.000000", "23:59:59.999999", "00:00:00.000001", "01:00:00.000000"});
  for (const char* type : {"timestamp", "timestamptz"}) {
    TestBatch moments;
    moments.add<int64_t>(
        "c", type,
        {-62'135'596'800'000'000, 253'402'300'799'999'999, -1, 0, 2'147'483'648'000'000});
    expect_back(moments, {"0001-01-01 00:00:00.000000", "9999-12-31 23:59:59.999999",
                          "1969-12-31 23:59:59.999999", "1970-01-01 00:00:00.000000",
                          "2038-01-19 03:14:08.000000"});
  }
}

TEST_P(BulkLoadTest, TextAndBytesComeBackByteByByte) {
  Values<std::string> texts = {"",
                               "a",
                               "A",
                               "a ",
                               " a",
                               "\t",
                               "\n",
                               "\r\n",
                               "\\",
                               "\\N",
                               "\\\\",
                               "'",
                               "\"",
                               "NULL",
                               std::string("\0x\0", 3),
                               "\x1a",
                               "tab\there, newline\nthere, backslash\\",
                               "\xF0\x9F\x98\x80 emoji",
                               "ñandú",
                               "12345678\t12345678\n",
                               "eight by'eight\\\\ and more",
                               std::string(70'000, '\\'),
                               "last\t",
                               std::nullopt};
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    std::string text(random() % 40, ' ');
    for (char& c : text) c = static_cast<char>(random() % 128);
    texts.push_back(text);
  }
  TestBatch text;
  text.add_text("c", "varchar", texts);
  expect_back(text, texts);

  std::string all(256, '\0');
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
  TestBatch bytes;
  bytes.add_text("c", "bytes", {"", "\xFF", std::string("\0", 1), all, std::nullopt});
  create_for(bytes);
  ASSERT_TRUE(load(bytes));
  const Rows rows = run("SELECT HEX(c), LENGTH(c), c FROM loaded ORDER BY n__");
  EXPECT_EQ(rows.text(0, 1), "0");
  EXPECT_EQ(rows.text(1, 2), "\\xff");
  EXPECT_EQ(rows.text(2, 2), "\\x00");
  EXPECT_THAT(rows.text(3, 0), StartsWith("000102030405060708090A0B0C0D0E0F10"));
  EXPECT_EQ(rows.text(3, 1), "256");
  EXPECT_FALSE(rows.rows[4][0]);
}

TEST_P(BulkLoadTest, KeysTellCaseAndBlanksApart) {
  TestBatch batch;
  batch.add_text("c", "varchar(20)", {"a", "A", "a ", "á"});
  run("CREATE OR REPLACE TABLE keyed (c " +
      column_type(batch.columns()[0].type, dialect_of(session_->version()), "`c`", 1).value() +
      " PRIMARY KEY)");
  const auto loaded = load(batch, "keyed");
  EXPECT_TRUE(loaded) << loaded.error().to_string();
}

TEST_P(BulkLoadTest, JsonUuidsAndListsComeBack) {
  TestBatch json;
  json.add_text("c", "json", {R"({"b": 9117776942963408674.10, "a": "\n\"ñ"})", "null", "[ ]"});
  expect_back(json, {R"({"b": 9117776942963408674.10, "a": "\n\"ñ"})", "null", "[ ]"});
  TestBatch uuids;
  uuids.add<Int128>("c", "uuid",
                    {Int128{0x8899aabbccddeeffU, 0x0011223344556677 ^ INT64_MIN},
                     Int128{UINT64_MAX, INT64_MAX}, Int128{0, INT64_MIN}});
  expect_back(uuids,
              {"00112233-4455-6677-8899-aabbccddeeff", "ffffffff-ffff-ffff-ffff-ffffffffffff",
               "00000000-0000-0000-0000-000000000000"});
  TestBatch texts;
  texts.add_text("e", "varchar", {"a\"\t", std::nullopt, "x"});
  texts.wrap_into_list(
      "c", "varchar[]",
      {server::ListEntry{0, 2}, server::ListEntry{2, 0}, std::nullopt, server::ListEntry{2, 1}});
  expect_back(texts, {R"(["a\"\t",null])", "[]", std::nullopt, R"(["x"])"});
  TestBatch decimals;
  decimals.add<int64_t>("e", "decimal(18,2)", {123'456'789'012'345'678, -1});
  decimals.wrap_into_list("c", "decimal(18,2)[]", {server::ListEntry{0, 2}});
  expect_back(decimals, {"[1234567890123456.78,-0.01]"});
  TestBatch moments;
  moments.add<int64_t>("e", "timestamptz", {0});
  moments.wrap_into_list("c", "timestamptz[]", {server::ListEntry{0, 1}});
  expect_back(moments, {R"(["1970-01-01 00:00:00+00"])"});
}

TEST_P(BulkLoadTest, WhatTheServerCannotHoldIsAnErrorBeforeItIsSent) {
  TestBatch nan;
  nan.add<double>("c", "double", {1.0, std::numeric_limits<double>::quiet_NaN()});
  create_for(nan);
  const auto refused = load(nan);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_input);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("column 'c'"));
  EXPECT_EQ(run("SELECT COUNT(*) FROM loaded").text(0, 0), "0");
}

TEST_P(BulkLoadTest, NothingIsSilentlyBentToFit) {
  run("CREATE OR REPLACE TABLE narrow (id INT PRIMARY KEY, name VARCHAR(3) NOT NULL, n TINYINT, "
      "d DECIMAL(5,2), e ENUM('x', 'y'), CONSTRAINT small CHECK (n < 100), UNIQUE names (name))");
  const struct {
    int32_t id;
    std::optional<std::string> name;
    int32_t n;
    int64_t thousandths;
    const char* e;
    const char* constraint;
    const char* column;
  } cases[] = {
      {1, "b", 1, 0, "x", "PRIMARY", ""},
      {2, "a", 1, 0, "x", "names", ""},
      {2, "b", 100, 0, "x", "small", ""},
      {2, "abcd", 1, 0, "x", "", "name"},
      {2, std::nullopt, 1, 0, "x", "", "name"},
      {2, "b", 300, 0, "x", "", "n"},
      {2, "b", 1, 1, "x", "", "d"},
  };
  run("INSERT INTO narrow VALUES (1, 'a', 1, 1, 'x')");
  for (const auto& c : cases) {
    TestBatch rows;
    rows.add<int32_t>("id", "integer", {5, c.id, 6});
    rows.add_text("name", "varchar", {"5", c.name, "6"});
    rows.add<int32_t>("n", "integer", {1, c.n, 1});
    rows.add<int64_t>("d", "decimal(18,3)", {0, c.thousandths, 0});
    rows.add_text("e", "varchar", {"x", c.e, "x"});
    ASSERT_TRUE(session_->begin());
    run("INSERT INTO narrow VALUES (9, '9', 1, 1, 'x')");
    const auto refused = load(rows, "narrow");
    ASSERT_FALSE(refused) << c.constraint << c.column;
    EXPECT_EQ(refused.error().code, ErrorCode::sql) << refused.error().to_string();
    EXPECT_TRUE(session_->refusal().by_row) << refused.error().to_string();
    EXPECT_EQ(session_->refusal().constraint, c.constraint) << refused.error().to_string();
    EXPECT_EQ(session_->refusal().column, c.column) << refused.error().to_string();
    // The load left nothing; the transaction goes on.
    EXPECT_EQ(run("SELECT COUNT(*) FROM narrow").text(0, 0), "2");
    session_->rollback();
  }
}

TEST_P(BulkLoadTest, AValueThatAColumnWouldBendSilentlyIsRefused) {
  run("CREATE OR REPLACE TABLE bending (c CHAR(5), e ENUM('a', 'it''s', 'b'), b BINARY(2), "
      "s SET('a', 'b'), n INT, y YEAR)");
  const auto taken = [&](const char* column, const char* type, const std::string& value) {
    TestBatch batch;
    batch.add_text(column, type, {value});
    const auto result = load(batch, "bending");
    if (!result) {
      EXPECT_EQ(result.error().code, ErrorCode::invalid_input) << value;
    }
    return result.has_value();
  };
  const auto refused_row = [&] { return session_->refusal().by_row ? session_->refusal().row : 0; };
  EXPECT_TRUE(taken("c", "varchar", "a b"));
  EXPECT_FALSE(taken("c", "varchar", "ab "));
  EXPECT_EQ(refused_row(), 1U);
  EXPECT_EQ(session_->refusal().column, "c");
  EXPECT_TRUE(taken("e", "varchar", "it's"));
  EXPECT_TRUE(taken("e", "varchar", "b"));
  EXPECT_FALSE(taken("e", "varchar", "A"));
  EXPECT_FALSE(taken("e", "varchar", "a "));
  EXPECT_TRUE(taken("b", "bytes", "ab"));
  EXPECT_FALSE(taken("b", "bytes", "a"));
  EXPECT_FALSE(taken("s", "varchar", "b,a"));
  EXPECT_EQ(refused_row(), 0U) << "whatever the value: the column is to blame";
  TestBatch third;
  third.add_text("e", "varchar", {"a", "b", "c"});
  EXPECT_FALSE(load(third, "bending"));
  EXPECT_EQ(refused_row(), 3U);
  TestBatch fraction;
  fraction.add<int16_t>("n", "decimal(3,1)", {15});
  EXPECT_FALSE(load(fraction, "bending"));
  TestBatch year;
  year.add<int16_t>("y", "smallint", {5});
  EXPECT_FALSE(load(year, "bending"));
}

TEST_P(BulkLoadTest, AColumnThatWouldDropDigitsSilentlyIsRefused) {
  run("CREATE OR REPLACE TABLE lossy (f FLOAT, d DOUBLE, s DATETIME, m DATETIME(3))");
  TestBatch into_float;
  into_float.add<double>("f", "double", {0.1});
  TestBatch into_double;
  into_double.add<int64_t>("d", "bigint", {9'007'199'254'740'993});
  TestBatch nowhere;
  nowhere.add<int64_t>("nowhere", "bigint", {1});
  for (TestBatch* batch : {&into_float, &into_double, &nowhere}) {
    const auto refused = load(*batch, "lossy");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_input) << refused.error().to_string();
  }
  TestBatch whole;
  whole.add<int64_t>("s", "timestamp", {1'000'000});
  whole.add<int64_t>("m", "timestamp", {1'001'000});
  EXPECT_TRUE(load(whole, "lossy"));
  TestBatch part;
  part.add<int64_t>("m", "timestamp", {1'000'001});
  const auto refused = load(part, "lossy");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("keeps 3 digits of a second"));
}

TEST_P(BulkLoadTest, BitsTakeBooleans) {
  run("CREATE OR REPLACE TABLE bits (b BIT(1))");
  TestBatch batch;
  batch.add<uint8_t>("b", "boolean", {1, 0, std::nullopt});
  const auto loaded = load(batch, "bits");
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(run("SELECT SUM(b), COUNT(b) FROM bits").text(0, 0), "1");
}

TEST_P(BulkLoadTest, ManyRowsGoThroughInChunksAndTransactionsHold) {
  run("CREATE OR REPLACE TABLE many (id BIGINT PRIMARY KEY, name VARCHAR(50))");
  ASSERT_TRUE(session_->begin());
  TestBatch shape;
  shape.add<int64_t>("id", "bigint", {});
  shape.add_text("name", "varchar", {});
  auto load = session_->bulk_load({"shop", "many", shape.columns()}).value();
  constexpr int64_t batches = 100;
  constexpr int64_t size = 2048;
  for (int64_t b = 0; b < batches; ++b) {
    Values<int64_t> ids;
    Values<std::string> names;
    for (int64_t i = 0; i < size; ++i) {
      ids.push_back(b * size + i);
      names.push_back("name of " + std::to_string(b * size + i));
    }
    TestBatch batch;
    batch.add("id", "bigint", ids);
    batch.add_text("name", "varchar", names);
    const auto appended = load->append(batch.batch());
    ASSERT_TRUE(appended) << appended.error().to_string();
  }
  EXPECT_FALSE(session_->run("SELECT 1")) << "the load has the session to itself";
  const auto count = load->finish();
  ASSERT_TRUE(count) << count.error().to_string();
  EXPECT_EQ(*count, static_cast<uint64_t>(batches * size));
  EXPECT_EQ(run("SELECT COUNT(*) FROM many WHERE name = CONCAT('name of ', id)").int64(0, 0),
            batches * size);
  session_->rollback();
  EXPECT_EQ(run("SELECT COUNT(*) FROM many").text(0, 0), "0");
}

TEST_P(BulkLoadTest, AnAbandonedLoadTakesItsTransactionAlong) {
  run("CREATE OR REPLACE TABLE abandoned (id BIGINT)");
  for (const bool inside : {true, false}) {
    if (inside) {
      ASSERT_TRUE(session_->begin());
      run("INSERT INTO abandoned VALUES (1)");
    }
    TestBatch batch;
    batch.add("id", "bigint", Values<int64_t>(5000, INT64_MAX));
    auto load = session_->bulk_load({"", "abandoned", batch.columns()}).value();
    // 4 MB: some chunks are on the server when it ends.
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(load->append(batch.batch()));
    load.reset();
    EXPECT_EQ(run("SELECT COUNT(*) FROM abandoned").text(0, 0), "0");
  }
}

TEST_P(BulkLoadTest, AnInterruptCancelsTheLoad) {
  run("CREATE OR REPLACE TABLE interrupted (id BIGINT)");
  TestBatch batch;
  batch.add("id", "bigint", Values<int64_t>(5000, 7));
  ASSERT_TRUE(session_->begin());
  auto load = session_->bulk_load({"", "interrupted", batch.columns()}).value();
  std::thread interrupter([&] { session_->interrupt(); });
  Result<void> appended;
  while ((appended = load->append(batch.batch()))) {
  }
  interrupter.join();
  EXPECT_EQ(appended.error().code, ErrorCode::cancelled) << appended.error().to_string();
  EXPECT_FALSE(load->finish());
  load.reset();
  session_->rollback();
  EXPECT_TRUE(session_->works());
  EXPECT_EQ(run("SELECT COUNT(*) FROM interrupted").text(0, 0), "0");
}

TEST_P(BulkLoadTest, AServerKilledMidLoadIsUnavailableAndHasNothing) {
  TestServer server(GetParam() ? std::vector<std::string>{}
                               : std::vector<std::string>{"--local-infile=0"});
  auto session = connect(server.options()).value();
  ASSERT_TRUE(session->run("CREATE TABLE lost (id BIGINT)"));
  TestBatch batch;
  batch.add("id", "bigint", Values<int64_t>(5000, 7));
  ASSERT_TRUE(session->begin());
  auto load = session->bulk_load({"", "lost", batch.columns()}).value();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(load->append(batch.batch()));
  server.kill_now();
  Result<void> appended;
  while ((appended = load->append(batch.batch()))) {
  }
  EXPECT_EQ(appended.error().code, ErrorCode::unavailable) << appended.error().to_string();
  load.reset();
  EXPECT_FALSE(session->works());
  server.start();
  session = connect(server.options()).value();
  EXPECT_EQ(session->run("SELECT COUNT(*) FROM lost")->text(0, 0), "0");
}

TEST(BulkLoad, ATextBeyondThePacketGoesByLoadDataOnly) {
  shared_server().execute("SET GLOBAL max_allowed_packet = 1048576");
  for (const bool allowed : {true, false}) {
    shared_server().execute(allowed ? "SET GLOBAL local_infile = 1"
                                    : "SET GLOBAL local_infile = 0");
    const auto session = connect(shared_server().options()).value();
    ASSERT_TRUE(session->run("CREATE OR REPLACE TABLE big (c LONGTEXT)"));
    TestBatch batch;
    batch.add_text("c", "varchar", {"a", std::string(3'000'000, 'x'), "b"});
    auto load = session->bulk_load({"", "big", batch.columns()}).value();
    auto appended = load->append(batch.batch());
    if (allowed) {
      ASSERT_TRUE(appended);
      EXPECT_TRUE(load->finish());
      EXPECT_EQ(session->run("SELECT SUM(LENGTH(c)) FROM big")->text(0, 0), "3000002");
    } else {
      ASSERT_FALSE(appended);
      EXPECT_THAT(appended.error().to_string(), HasSubstr("max_allowed_packet"));
    }
  }
  shared_server().execute("SET GLOBAL max_allowed_packet = 16777216, local_infile = 1");
}

TEST(BulkLoad, ATableThatIsNotThereIsToldAtOnce) {
  const auto session = connect(shared_server().options()).value();
  TestBatch batch;
  batch.add<int64_t>("c", "bigint", {1});
  const auto load = session->bulk_load({"", "no_such_table", batch.columns()});
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().code, ErrorCode::sql);
  EXPECT_EQ(session->refusal().state, "42S02");
}

TEST(BulkLoad, TemporaryTablesOfTheSessionAreFilled) {
  const auto session = connect(shared_server().options()).value();
  ASSERT_TRUE(session->run("CREATE TEMPORARY TABLE staged (c BIGINT)"));
  TestBatch batch;
  batch.add<int64_t>("c", "bigint", {1, 2});
  auto load = session->bulk_load({"", "staged", batch.columns()}).value();
  ASSERT_TRUE(load->append(batch.batch()));
  EXPECT_EQ(load->finish().value(), 2U);
  EXPECT_EQ(session->run("SELECT SUM(c) FROM staged")->text(0, 0), "3");
}

}  // namespace
}  // namespace weir::mysql
