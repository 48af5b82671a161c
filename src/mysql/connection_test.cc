#include "mysql/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "mysql/session.h"
#include "mysql/test_server_for_test.h"

namespace weir::mysql {
namespace {

using server::Cell;
using server::Connection;
using server::Rows;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::unique_ptr<Connection> connected(const server::Options& options) {
  auto connection = connect(options);
  if (!connection) ADD_FAILURE() << connection.error().to_string();
  return connection ? std::move(*connection) : nullptr;
}

class ConnectionTest : public ::testing::Test {
 protected:
  Rows run(const std::string& sql, const std::vector<Cell>& parameters = {}) {
    auto rows = session_->run(sql, parameters);
    EXPECT_TRUE(rows) << sql << ": " << rows.error().to_string();
    return rows ? *std::move(rows) : Rows{};
  }
  Cell one(const std::string& sql, const std::vector<Cell>& parameters = {}) {
    const Rows rows = run(sql, parameters);
    if (rows.size() != 1) {
      ADD_FAILURE() << sql << " gave " << rows.size() << " rows";
      return {};
    }
    return rows.rows[0][0];
  }
  Error error_of(const std::string& sql) {
    auto rows = session_->run(sql);
    EXPECT_FALSE(rows) << sql;
    return rows ? Error{} : rows.error();
  }

  std::unique_ptr<Connection> session_ = connected(shared_server().options());
};

TEST_F(ConnectionTest, TellsItsVersion) {
  EXPECT_THAT(session_->version(), StartsWith("MariaDB 10."));
  EXPECT_TRUE(session_->works());
}

TEST_F(ConnectionTest, TheSessionIsStrictAndInUtcWhateverTheServerIs) {
  shared_server().execute("SET GLOBAL sql_mode = '', time_zone = '+05:00', foreign_key_checks = 0");
  const auto other = connected(shared_server().options());
  shared_server().execute(
      "SET GLOBAL sql_mode = DEFAULT, time_zone = DEFAULT, foreign_key_checks = 1");
  const auto settings = other->run(
      "SELECT @@sql_mode, @@time_zone, @@foreign_key_checks, @@autocommit, @@tx_isolation, "
      "@@character_set_client");
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->text(0, 0), HasSubstr("STRICT_ALL_TABLES"));
  EXPECT_THAT(settings->text(0, 0), Not(HasSubstr("ANSI_QUOTES")));
  EXPECT_EQ(settings->text(0, 1), "+00:00");
  EXPECT_EQ(settings->text(0, 2), "1");
  EXPECT_EQ(settings->text(0, 3), "1");
  EXPECT_EQ(settings->text(0, 4), "READ-COMMITTED");
  EXPECT_EQ(settings->text(0, 5), "utf8mb4");
}

TEST_F(ConnectionTest, ReachesASocketToo) {
  server::Options options = shared_server().options();
  options.host = shared_server().socket();
  options.port = 0;
  EXPECT_TRUE(connect(options));
}

TEST_F(ConnectionTest, ParametersAreTextAndMayRepeat) {
  EXPECT_EQ(one("SELECT CONCAT($2, $1, $2)", {"a", "b"}), "bab");
  EXPECT_EQ(one("SELECT $1 IS NULL", {std::nullopt}), "1");
  EXPECT_EQ(one("SELECT HEX($1)", {std::string("\0\\'\n\xF0\x9F\x98\x80", 8)}), "005C270AF09F9880");
  EXPECT_EQ(one("SELECT '$1', \"$2\", 1 /* $3 */ -- $4\n"), "$1");
  EXPECT_EQ(one("SELECT $1 = 'A' OR $1 = 'a '", {"a"}), "0");
}

TEST_F(ConnectionTest, ALongIdIsNotComparedAsADouble) {
  run("CREATE OR REPLACE TABLE ids (id BIGINT PRIMARY KEY)");
  run("INSERT INTO ids VALUES (9007199254740992), (9007199254740993)");
  EXPECT_EQ(one("SELECT id FROM ids WHERE id = $1", {"9007199254740993"}), "9007199254740993");
}

TEST_F(ConnectionTest, ResultsAreTextWithAllTheirDigits) {
  const Rows rows =
      run("SELECT CAST('0001-02-03' AS DATE), CAST('2024-02-29 23:59:59.000001' AS DATETIME(6)), "
          "CAST('-100:00:01.5' AS TIME(1)), CAST('-1.10' AS DECIMAL(38,2)), 18446744073709551615, "
          "0.1e0, x'00FF', b'1000000001', NULL, '', CAST('2024-01-01 00:00:00' AS DATETIME)");
  const std::vector<Cell> expected = {"0001-02-03",
                                      "2024-02-29 23:59:59.000001",
                                      "-100:00:01.5",
                                      "-1.10",
                                      "18446744073709551615",
                                      "0.1",
                                      "\\x00ff",
                                      "\\x0201",
                                      std::nullopt,
                                      "",
                                      "2024-01-01 00:00:00"};
  EXPECT_EQ(rows.rows.at(0), expected);
  run("CREATE OR REPLACE TABLE numbers (f FLOAT, b BIT(10), u TINYINT UNSIGNED, y YEAR)");
  run("INSERT INTO numbers VALUES (16777216e0, b'1000000001', 255, 1999)");
  const std::vector<Cell> numbers = {"16777216", "513", "255", "1999"};
  EXPECT_EQ(run("SELECT * FROM numbers").rows.at(0), numbers);
}

TEST_F(ConnectionTest, CountsWhatChanged) {
  run("CREATE OR REPLACE TABLE counted (a INT PRIMARY KEY, b INT)");
  EXPECT_EQ(run("INSERT INTO counted VALUES (1, 1), (2, 2), (3, 3)").changed, 3U);
  EXPECT_EQ(run("UPDATE counted SET b = 5 WHERE a > $1", {"1"}).changed, 2U);
  EXPECT_EQ(run("UPDATE counted SET b = 5 WHERE a > $1", {"1"}).changed, 2U) << "found, as before";
  EXPECT_EQ(run("DELETE FROM counted").changed, 3U);
}

TEST_F(ConnectionTest, StreamsInBoundedMemoryAndStopsWhenAskedTo) {
  uint64_t rows = 0;
  size_t bytes = 0;
  const auto all = session_->stream("SELECT seq, REPEAT('x', seq % $1) FROM seq_1_to_200000",
                                    std::vector<Cell>{"1000"}, [&](std::span<const Cell> row) {
                                      ++rows;
                                      bytes += row[1]->size();
                                      return true;
                                    });
  ASSERT_TRUE(all) << all.error().to_string();
  EXPECT_EQ(rows, 200'000U);
  EXPECT_EQ(bytes, 200U * 999 * 1000 / 2);
  for (const char* select : {"SELECT seq FROM seq_1_to_2000000000", "SELECT seq FROM seq_1_to_3"}) {
    rows = 0;
    const auto few =
        session_->stream(select, {}, [&](std::span<const Cell>) { return ++rows < 2; });
    ASSERT_TRUE(few) << few.error().to_string();
    EXPECT_EQ(rows, 2U);
    EXPECT_EQ(one("SELECT 7"), "7");
  }
}

TEST_F(ConnectionTest, TransactionsCommitAndRollBack) {
  run("CREATE OR REPLACE TABLE steps (a INT)");
  ASSERT_TRUE(session_->begin());
  run("INSERT INTO steps VALUES (1)");
  session_->rollback();
  EXPECT_EQ(one("SELECT COUNT(*) FROM steps"), "0");
  ASSERT_TRUE(session_->begin());
  run("INSERT INTO steps VALUES (1)");
  ASSERT_TRUE(session_->commit());
  session_->rollback();
  EXPECT_EQ(one("SELECT COUNT(*) FROM steps"), "1");
}

TEST_F(ConnectionTest, ASnapshotSeesOneMomentAndWritesTemporaryTablesAlone) {
  run("CREATE TABLE looked_at (id int)");
  run("CREATE TEMPORARY TABLE looked_with (id int)");
  ASSERT_TRUE(session_->begin_snapshot());
  EXPECT_EQ(one("SELECT count(*) FROM looked_at"), "0");
  ASSERT_TRUE(connected(shared_server().options())->run("INSERT INTO looked_at VALUES (1)", {}));
  EXPECT_EQ(one("SELECT count(*) FROM looked_at"), "0");
  run("INSERT INTO looked_with VALUES (1)");
  EXPECT_THAT(error_of("DELETE FROM looked_at").message, HasSubstr("READ ONLY"));
  session_->rollback();
  EXPECT_EQ(one("SELECT count(*) FROM looked_at"), "1");
  run("DROP TABLE looked_at");
}

TEST_F(ConnectionTest, DdlThatCommitsTheTransactionIsNotSilent) {
  run("DROP TABLE IF EXISTS ddl_made");
  run("CREATE OR REPLACE TABLE ddl_rows (a INT)");
  ASSERT_TRUE(session_->begin());
  run("INSERT INTO ddl_rows VALUES (1)");
  run("CREATE TEMPORARY TABLE staging (a INT)");
  run("UPDATE ddl_rows SET a = 1");
  run("SAVEPOINT here");
  EXPECT_EQ(error_of("CREATE TABLE ddl_made (a INT)").code, ErrorCode::sql);
  EXPECT_EQ(error_of("INSERT INTO ddl_rows VALUES (2)").code, ErrorCode::busy);
  EXPECT_FALSE(session_->commit());
  session_->rollback();
  EXPECT_EQ(one("SELECT COUNT(*) FROM ddl_rows"), "1");
}

TEST_F(ConnectionTest, RefusalsNameTheRule) {
  run("DROP TABLE IF EXISTS child, parent");
  run("CREATE TABLE parent (id INT PRIMARY KEY)");
  run("CREATE TABLE child (id INT PRIMARY KEY, name VARCHAR(3) NOT NULL, n TINYINT, d DATE, "
      "p INT, CONSTRAINT child_of FOREIGN KEY (p) REFERENCES parent (id), "
      "CONSTRAINT small CHECK (n < 100), v INT CHECK (v > 0), UNIQUE KEY names (name))");
  run("CREATE TRIGGER no_bad BEFORE INSERT ON child FOR EACH ROW "
      "IF NEW.name = 'bad' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bad name'; END IF");
  run("INSERT INTO child (id, name) VALUES (1, 'a')");
  const struct {
    const char* values;
    const char* state;
    const char* constraint;
    const char* column;
  } cases[] = {
      {"1, 'b', 1, NULL, NULL, 1", "23000", "PRIMARY", ""},
      {"2, 'a', 1, NULL, NULL, 1", "23000", "names", ""},
      {"2, 'b', 1, NULL, 9, 1", "23000", "child_of", "p"},
      {"2, 'b', 100, NULL, NULL, 1", "23000", "small", ""},
      {"2, 'b', 1, NULL, NULL, -1", "23000", "child.v", "v"},
      {"2, NULL, 1, NULL, NULL, 1", "23000", "", "name"},
      {"2, 'abcd', 1, NULL, NULL, 1", "22001", "", "name"},
      {"2, 'b', 300, NULL, NULL, 1", "22003", "", "n"},
      {"2, 'b', 'x', NULL, NULL, 1", "22007", "", "n"},
      {"2, 'b', 1, '2023-02-29', NULL, 1", "22007", "", "d"},
      {"2, 'b', 1, '0000-00-00', NULL, 1", "22007", "", "d"},
      {"2, 'bad', 1, NULL, NULL, 1", "45000", "", ""},
  };
  for (const auto& c : cases) {
    const Error error =
        error_of(std::string("INSERT INTO child (id, name, n, d, p, v) VALUES (") + c.values + ")");
    EXPECT_EQ(error.code, ErrorCode::sql) << error.to_string();
    const server::Refusal& refusal = session_->refusal();
    EXPECT_TRUE(refusal.by_row) << error.to_string();
    EXPECT_EQ(refusal.state, c.state) << error.to_string();
    EXPECT_EQ(refusal.constraint, c.constraint) << error.to_string();
    EXPECT_EQ(refusal.column, c.column) << error.to_string();
  }
  error_of("SELECT id FROM child JOIN parent ON TRUE");
  EXPECT_FALSE(session_->refusal().by_row) << session_->refusal().message;
  error_of("SELEKT");
  EXPECT_EQ(session_->refusal().state, "42000");
  run("SELECT 1");
  EXPECT_EQ(session_->refusal().message, "");
}

TEST_F(ConnectionTest, AHeldLockIsBusyAndADeadlocksVictimCommitsNothing) {
  run("CREATE OR REPLACE TABLE locked (id INT PRIMARY KEY, v INT)");
  run("INSERT INTO locked VALUES (1, 0), (2, 0)");
  const auto other = connected(shared_server().options());
  ASSERT_TRUE(other->run("SET innodb_lock_wait_timeout = 1"));
  run("SET innodb_lock_wait_timeout = 50");
  ASSERT_TRUE(session_->begin());
  run("UPDATE locked SET v = 1");
  const auto waited = other->run("UPDATE locked SET v = 2 WHERE id = 1");
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::busy);
  session_->rollback();

  ASSERT_TRUE(session_->begin());
  ASSERT_TRUE(other->begin());
  ASSERT_TRUE(other->run("SET innodb_lock_wait_timeout = 50"));
  run("UPDATE locked SET v = 1 WHERE id = 1");
  ASSERT_TRUE(other->run("UPDATE locked SET v = 2 WHERE id = 2"));
  Result<Rows> first;
  std::thread thread([&] { first = session_->run("UPDATE locked SET v = 1 WHERE id = 2"); });
  const auto second = other->run("UPDATE locked SET v = 2 WHERE id = 1");
  if (!second)
    other->rollback();
  else
    EXPECT_TRUE(other->commit());
  thread.join();
  ASSERT_NE(first.has_value(), second.has_value()) << "one of them is the victim";
  EXPECT_EQ((first ? second : first).error().code, ErrorCode::busy);
  if (!first) {
    EXPECT_EQ(error_of("INSERT INTO locked VALUES (3, 3)").code, ErrorCode::busy);
    EXPECT_FALSE(session_->commit());
    session_->rollback();
    run("SELECT 1");
  }
}

TEST_F(ConnectionTest, AnInterruptEndsTheStatement) {
  // Killed, a SLEEP gives 1 and no error.
  for (const char* sql : {"SELECT COUNT(*) FROM seq_1_to_2000000000 WHERE SHA2(seq, 512) = 'x'",
                          "SELECT SLEEP(1000)"}) {
    std::atomic<bool> done{false};
    std::thread interrupter([&] {
      // Before the statement is at work an interrupt does nothing.
      while (!done) session_->interrupt();
    });
    const auto rows = session_->run(sql);
    done = true;
    interrupter.join();
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().code, ErrorCode::cancelled) << rows.error().to_string();
  }
  EXPECT_TRUE(session_->works());
  EXPECT_EQ(one("SELECT 7"), "7");
}

TEST_F(ConnectionTest, AWrongPasswordIsNotInTheMessage) {
  server::Options options = shared_server().options();
  options.password = "wrong-pw-7";
  const auto refused = connect(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::sql);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("Access denied for user 'weir'"));
  EXPECT_THAT(refused.error().to_string(), Not(HasSubstr("wrong-pw-7")));
}

TEST_F(ConnectionTest, ABadNameAndAClosedPortAreUnavailable) {
  server::Options options = shared_server().options();
  options.port = 1;
  const auto closed = connect(options);
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, ErrorCode::unavailable) << closed.error().to_string();
}

TEST_F(ConnectionTest, NoTlsWhereItIsRequiredIsRefused) {
  for (const auto tls : {server::Options::Tls::require, server::Options::Tls::verify_ca,
                         server::Options::Tls::verify_full}) {
    server::Options options = shared_server().options();
    options.tls = tls;
    const auto refused = connect(options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable) << refused.error().to_string();
    EXPECT_THAT(refused.error().to_string(), Not(HasSubstr(TestServer::password)));
  }
}

TEST_F(ConnectionTest, AKilledServerIsUnavailableAndTheSessionWorksNoMore) {
  TestServer server;
  const auto session = connected(server.options());
  ASSERT_TRUE(session->begin());
  server.kill_now();
  const auto rows = session->run("SELECT 1");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::unavailable) << rows.error().to_string();
  EXPECT_FALSE(session->works());
  session->rollback();
  const auto commit = session->commit();
  ASSERT_FALSE(commit);
  EXPECT_EQ(commit.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace weir::mysql
