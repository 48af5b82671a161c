#include "duckdb/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "duckdb/scan_for_test.h"
#include "io/temporary_folder_for_test.h"

namespace weir::duckdb {
namespace {

using testing::HasSubstr;

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() : database_(open_in_memory(2)), connection_(*database_->connect()) {}

  int64_t number(const std::string& sql) {
    const auto rows = connection_->run(sql);
    EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
    return rows && rows->size() == 1 ? rows->int64(0, 0) : -1;
  }

  std::unique_ptr<Database> database_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(ConnectionTest, ParametersOfEveryKindArriveAsTheyAre) {
  const Parameter values[] = {{},
                              true,
                              int64_t{-5},
                              1.5,
                              std::string("it's \"é\""),
                              DateValue{17348},
                              TimestampValue{1'498'910'400'000'001}};
  const auto rows = connection_->run(
      "SELECT $1 IS NULL, $2::BOOLEAN, $3::BIGINT, $4::DOUBLE, $5, $6::DATE, "
      "$7::TIMESTAMPTZ::VARCHAR",
      values);
  ASSERT_TRUE(rows) << rows.error().message;
  const char* expected[] = {
      "true", "true", "-5", "1.5", "it's \"é\"", "2017-07-01", "2017-07-01 12:00:00.000001+00"};
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(rows->text(0, i), expected[i]);
}

TEST_F(ConnectionTest, AppenderWritesNullsInEveryColumn) {
  ASSERT_TRUE(
      connection_->run("CREATE TABLE t (a BIGINT, b VARCHAR, c DATE, d TIMESTAMPTZ, e DOUBLE, f "
                       "BOOLEAN, g INTEGER[])"));
  {
    const auto appender = *connection_->appender("", "", "t");
    const Parameter nulls[7] = {};
    const Parameter values[] = {
        int64_t{1}, std::string("a\0b", 3), DateValue{0}, TimestampValue{1}, 0.5, true, {}};
    EXPECT_TRUE(appender->row(nulls));
    EXPECT_TRUE(appender->row(values));
    EXPECT_TRUE(appender->close());
  }
  EXPECT_EQ(number("SELECT count(*) FROM t WHERE COALESCE(a::VARCHAR, b, c::VARCHAR, d::VARCHAR, "
                   "e::VARCHAR, f::VARCHAR, g::VARCHAR) IS NULL"),
            1);
  EXPECT_EQ(number("SELECT length(b) FROM t WHERE a = 1 AND d = '1970-01-01 00:00:00.000001Z'"), 3);
}

TEST_F(ConnectionTest, AppenderErrorsAreToldAndLeaveNoRows) {
  ASSERT_TRUE(connection_->run("CREATE TABLE t (a INTEGER NOT NULL, b INTEGER)"));
  EXPECT_FALSE(connection_->appender("", "", "nope"));
  for (const auto& values :
       {std::vector<Parameter>{{}, int64_t{1}}, {std::string("x"), {}}, {int64_t{1}}}) {
    const auto appender = *connection_->appender("", "", "t");
    const auto row = appender->row(values);
    const auto closed = appender->close();
    EXPECT_FALSE(row && closed);
  }
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

TEST_F(ConnectionTest, ATransactionThatIsNotCommittedLeavesNothing) {
  ASSERT_TRUE(connection_->run("CREATE TABLE t (a INTEGER)"));
  {
    auto transaction = *Transaction::begin(*connection_);
    ASSERT_TRUE(connection_->run("INSERT INTO t VALUES (1)"));
    const auto appender = *connection_->appender("", "", "t");
    const Parameter two[] = {int64_t{2}};
    ASSERT_TRUE(appender->row(two));
    ASSERT_TRUE(appender->close());
  }
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
  {
    auto transaction = *Transaction::begin(*connection_);
    ASSERT_TRUE(connection_->run("INSERT INTO t VALUES (1)"));
    Transaction moved = std::move(transaction);
    ASSERT_TRUE(moved.commit());
  }
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
  {
    auto transaction = *Transaction::begin(*connection_);
    EXPECT_FALSE(connection_->run("SELECT CAST('x' AS INTEGER)"));
    EXPECT_FALSE(Transaction::begin(*connection_));
  }
  EXPECT_EQ(number("SELECT 7"), 7);  // usable afterwards
}

TEST_F(ConnectionTest, WritersOfTheSameRowAreBusy) {
  ASSERT_TRUE(connection_->run("CREATE TABLE t AS SELECT 1 AS a"));
  const auto other = *database_->connect();
  auto first = *Transaction::begin(*connection_);
  auto second = *Transaction::begin(*other);
  ASSERT_TRUE(connection_->run("UPDATE t SET a = 2"));
  const auto refused = other->run("UPDATE t SET a = 3");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::busy) << refused.error().message;
  EXPECT_TRUE(refused.error().retryable());
}

TEST_F(ConnectionTest, AnInterruptEndsTheStatementAsCancelled) {
  std::atomic<bool> ended{false};
  std::thread interrupter([&] {
    while (!ended) connection_->interrupt();
  });
  const auto done = connection_->run("SELECT count(*) FROM range(10000000000) a, range(1000) b");
  ended = true;
  interrupter.join();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::cancelled);
  EXPECT_EQ(number("SELECT 7"), 7);
}

TEST_F(ConnectionTest, DescribeRunsNothing) {
  ASSERT_TRUE(connection_->run("CREATE TABLE t AS SELECT 1 AS a"));
  EXPECT_FALSE(connection_->describe("SELECT 1; DELETE FROM t"));
  EXPECT_FALSE(connection_->describe("SELECT 1; SELECT 2"));
  EXPECT_FALSE(connection_->describe("SELECT nope FROM t"));
  const auto columns = *connection_->describe(
      "SELECT a, NULL AS n, 1.5 AS d, [1] AS l, '{}'::JSON AS j FROM t -- end");
  std::vector<std::string> types;
  for (const ResultColumn& column : columns) types.push_back(column.name + " " + column.type);
  EXPECT_THAT(types, testing::ElementsAre("a INTEGER", "n INTEGER", "d DECIMAL(2,1)", "l INTEGER[]",
                                          "j JSON"));
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
}

TEST_F(ConnectionTest, StreamsManyRowsAndTellsErrorsInTheMiddle) {
  size_t rows = 0;
  const RowSink sink{nullptr, [&](const auto&) { return ++rows > 0; }};
  EXPECT_TRUE(connection_->stream("SELECT range FROM range(300000)", sink));
  EXPECT_EQ(rows, 300'000u);
  const auto failed = connection_->stream(
      "SELECT CASE WHEN range = 299999 THEN error('boom') END FROM range(300000)", sink);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("boom"));
}

TEST_F(ConnectionTest, NamesAndTextsAreQuoted) {
  const std::string name = "a \"b\" 'c' é;--";
  ASSERT_TRUE(connection_->run("CREATE TABLE " + quote_identifier(name) + " (" +
                               quote_identifier(name) + " VARCHAR)"));
  ASSERT_TRUE(connection_->run("INSERT INTO " + quote_identifier(name) + " VALUES (" +
                               quote_literal(name) + ")"));
  EXPECT_EQ(number("SELECT count(*) FROM " + quote_identifier(name) + " WHERE " +
                   quote_identifier(name) + " = " + quote_literal(name)),
            1);
}

TEST_F(ConnectionTest, ParseFunctionsTakeTheSpellingAndNothingElse) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"integer", "'12'", "12"},
      {"integer", "' 12'", "NULL"},
      {"integer", "'1.0'", "NULL"},
      {"integer", "NULL", "NULL"},
      {"integer", "''", "NULL"},
      {"decimal(20,0)", "'12345678901234567890'", "12345678901234567890"},
      {"decimal(5,2)", "'12.345'", "NULL"},
      {"date", "'2017-02-29'", "NULL"},
      {"timestamptz", "'2017-07-01T12:00:00+02:00'", "2017-07-01 10:00:00+00"},
      {"uuid", "'00000000-0000-0000-0000-00000000000A'", "00000000-0000-0000-0000-00000000000a"},
      {"bytes", "'\\x41ff'", "A\\xFF"},
      {"boolean", "'TRUE'", "true"},
      {"double", "'1e400'", "NULL"}};
  for (const auto& [type, text, expected] : cases) {
    const std::string function = *database_->parse_function(*parse_data_type(type));
    EXPECT_EQ(*database_->parse_function(*parse_data_type(type)), function);
    const auto rows =
        connection_->run(std::string("SELECT CAST(") + function + "(" + text + ") AS VARCHAR)");
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->is_null(0, 0) ? "NULL" : rows->text(0, 0), expected) << type << " " << text;
  }
  const std::string parse = *database_->parse_function(*parse_data_type("bigint"));
  EXPECT_EQ(
      number("SELECT sum(" + parse +
             "(CASE WHEN range % 3 = 0 THEN 'x' WHEN range % 7 = 0 "
             "THEN NULL ELSE range::VARCHAR END))::BIGINT FROM range(10000)"),
      number("SELECT sum(range)::BIGINT FROM range(10000) WHERE range % 3 > 0 AND range % 7 > "
             "0"));
}

TEST_F(ConnectionTest, MemoryIsGivenBackAndTheLimitStays) {
  const auto limit = [&] {
    return std::string(connection_->run("SELECT current_setting('memory_limit')")->text(0, 0));
  };
  const std::string before = limit();
  ASSERT_TRUE(connection_->run("CREATE TEMP TABLE kept AS SELECT range AS id FROM range(100000)"));
  for (int i = 0; i < 3000; ++i) {
    number("SELECT count(*) FROM range(10) a JOIN (VALUES (1), (2)) b (x) ON a.range = b.x");
  }
  const auto held = [] { return mallinfo2().uordblks; };
  const size_t at_first = held();
  database_->release_memory();
  // Without glibc's allocator, as under a sanitizer, nothing is counted.
  if (at_first > 0) {
    EXPECT_LT(held() + 3000 * 100, at_first);
  }
  EXPECT_EQ(limit(), before);
  EXPECT_EQ(number("SELECT count(*) FROM kept WHERE id >= 0"), 100'000);
}

/// A fresh database uses next to nothing, and what little it uses DuckDB may not have counted yet.
TEST(DatabaseTest, WhoWorksWhileMemoryIsGivenBackFindsTheLimitAsItWas) {
  for (int round = 0; round < 40; ++round) {
    const auto database = *Database::open({"", "", 64u << 20, 1});
    const auto beside = *database->connect();
    std::atomic<bool> done = false;
    std::thread sweeper([&] {
      for (int i = 0; i < 3; ++i) database->release_memory();
      done = true;
    });
    Result<Rows> answer = beside->run("SELECT 1");
    while (!done && answer) {
      answer = beside->run("SELECT range % 10 AS x, count(*) FROM range(3000) GROUP BY x");
    }
    sweeper.join();
    ASSERT_TRUE(answer) << answer.error().to_string();
  }
}

TEST(DatabaseTest, ASecondProcessIsToldWhoIsBusy) {
  const io::TemporaryFolder folder;
  const DatabaseOptions options{folder.path("w.duckdb"), "", 64u << 20, 1};
  int to_child[2], to_parent[2];
  ASSERT_EQ(::pipe(to_child), 0);
  ASSERT_EQ(::pipe(to_parent), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // holds the file until the parent has looked
    const auto held = Database::open(options);
    char byte = held ? 'y' : 'n';
    const bool told = ::write(to_parent[1], &byte, 1) == 1 && ::read(to_child[0], &byte, 1) == 1;
    ::_exit(told ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(to_parent[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  const auto refused = Database::open(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::busy);
  EXPECT_THAT(refused.error().message, HasSubstr("another program has '"));
  EXPECT_THAT(refused.error().message, HasSubstr("w.duckdb' open"));
  ASSERT_EQ(::write(to_child[1], "x", 1), 1);
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(Database::open(options));
}

TEST(DatabaseTest, OtherFilesAndFoldersAreRefused) {
  const io::TemporaryFolder folder;
  std::ofstream(folder.path("x.duckdb")) << std::string(10'000, 'x');
  const auto other = Database::open({folder.path("x.duckdb"), "", 64u << 20, 1});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::invalid_input) << other.error().message;
  const auto missing = Database::open({folder.path("no/such/w.duckdb"), "", 64u << 20, 1});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::io) << missing.error().message;
  EXPECT_FALSE(Database::open({folder.path(), "", 64u << 20, 1}));
}

}  // namespace
}  // namespace weir::duckdb
