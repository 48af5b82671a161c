#include "postgres/connection.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "postgres/column_for_test.h"
#include "postgres/test_server_for_test.h"

namespace weir::postgres {
namespace {

using server::Cell;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ConnectionTest : public testing::Test {
 protected:
  void execute(const std::string& sql) {
    const auto done = session_->run(sql);
    ASSERT_TRUE(done) << done.error().to_string();
  }
  Error error_of(const std::string& sql, std::span<const Cell> parameters = {}) {
    const auto rows = session_->run(sql, parameters);
    EXPECT_FALSE(rows) << sql;
    return rows ? Error{} : rows.error();
  }
  std::string answer(const std::string& sql) {
    const auto rows = session_->run(sql);
    return rows && rows->size() == 1 ? rows->text(0, 0) : "no answer";
  }
  /// Waits until the server says that the session with this number is in such a wait.
  void await_wait(const std::string& process, const std::string& wait_event) {
    const auto observer = TestServer::shared().connect();
    for (;;) {
      const auto rows = observer->run("SELECT 1 FROM pg_stat_activity WHERE pid = " + process +
                                      " AND wait_event = '" + wait_event + "'");
      ASSERT_TRUE(rows);
      if (rows->size() == 1) return;
    }
  }

  std::unique_ptr<server::Connection> session_ = TestServer::shared().connect();
};

TEST_F(ConnectionTest, RunsStatementsWithParameters) {
  const Cell parameters[] = {"7", std::nullopt, "it's \\ ñ"};
  const auto rows =
      session_->run("SELECT $1::int + 1 AS sum, $2::text AS nothing, $3::text AS word", parameters);
  ASSERT_TRUE(rows) << rows.error().to_string();
  EXPECT_THAT(rows->columns, ElementsAre("sum", "nothing", "word"));
  EXPECT_EQ(rows->int64(0, 0), 8);
  EXPECT_EQ(rows->rows[0][1], std::nullopt);
  EXPECT_EQ(rows->text(0, 2), "it's \\ ñ");
  EXPECT_EQ(rows->changed, 0);
  execute("CREATE TEMP TABLE c (a int)");
  EXPECT_EQ(session_->run("INSERT INTO c SELECT generate_series(1, 5)")->changed, 5);
  EXPECT_EQ(session_->run("UPDATE c SET a = 9 WHERE a > 3")->changed, 2);
  EXPECT_EQ(session_->run("")->size(), 0);
}

TEST_F(ConnectionTest, SpellsResultsTheSameWhateverTheDatabaseSays) {
  execute("ALTER ROLE owner SET DateStyle = 'German'");
  execute("ALTER ROLE owner SET TimeZone = 'Asia/Tokyo'");
  execute("ALTER ROLE owner SET bytea_output = 'escape'");
  execute("ALTER ROLE owner SET extra_float_digits = -5");
  session_ = TestServer::shared().connect();
  EXPECT_EQ(answer("SELECT timestamptz '2021-06-01 12:00:00+02'"), "2021-06-01 10:00:00+00");
  EXPECT_EQ(answer("SELECT '\\001'::bytea"), "\\x01");
  EXPECT_EQ(answer("SELECT 0.1::float8 + 0.2::float8"), "0.30000000000000004");
  EXPECT_EQ(answer("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"),
            "weir");
  execute("ALTER ROLE owner RESET ALL");
}

TEST_F(ConnectionTest, TakesOneStatementAndNoNul) {
  EXPECT_EQ(error_of("SELECT 1; DROP TABLE x").code, ErrorCode::sql);
  const Cell nul[] = {std::string("a\0b", 3)};
  EXPECT_EQ(error_of("SELECT $1", nul).code, ErrorCode::invalid_input);
  EXPECT_EQ(error_of(std::string("SELECT '\0'", 10)).code, ErrorCode::invalid_input);
  EXPECT_EQ(error_of("COPY (SELECT generate_series(1, 100000)) TO STDOUT").code, ErrorCode::sql);
  execute("CREATE TEMP TABLE c (a int)");
  EXPECT_EQ(error_of("COPY c FROM STDIN").code, ErrorCode::sql);
  EXPECT_EQ(answer("SELECT 1"), "1");
}

TEST_F(ConnectionTest, TellsDetailHintAndState) {
  const Error error = error_of("SELECT nam FROM (SELECT 1 AS name) AS t");
  EXPECT_EQ(error.code, ErrorCode::sql);
  EXPECT_EQ(error.message, "column \"nam\" does not exist (42703)");
  EXPECT_THAT(error.fix, HasSubstr("\"t.name\""));
  EXPECT_EQ(session_->refusal().state, "42703");
  EXPECT_FALSE(session_->refusal().by_row);
  error_of("SELECT 'x'::int");
  EXPECT_TRUE(session_->refusal().by_row);
}

TEST_F(ConnectionTest, TransactionsCommitOnceOrSayThatTheyDidNot) {
  execute("CREATE TEMP TABLE c (a int)");
  ASSERT_TRUE(session_->begin());
  execute("INSERT INTO c VALUES (1)");
  ASSERT_TRUE(session_->commit());
  ASSERT_TRUE(session_->begin());
  execute("INSERT INTO c VALUES (2)");
  error_of("SELECT 1 / 0");
  EXPECT_EQ(error_of("SELECT 1").message.find("current transaction is aborted"), 0);
  const auto committed = session_->commit();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, ErrorCode::sql);
  session_->rollback();
  session_->rollback();
  EXPECT_EQ(answer("SELECT sum(a) FROM c"), "1");
}

TEST_F(ConnectionTest, DeferredConstraintsAreCheckedWhenAskedAndDeferredAgain) {
  execute("CREATE TABLE deferred_ones (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
  ASSERT_TRUE(session_->begin());
  execute("INSERT INTO deferred_ones VALUES (1)");
  EXPECT_TRUE(session_->check_deferred());
  execute("INSERT INTO deferred_ones VALUES (1)");
  const auto refused = session_->check_deferred();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("deferred_ones_id_key"));
  session_->rollback();
  execute("DROP TABLE deferred_ones");
}

TEST_F(ConnectionTest, ASnapshotSeesOneMomentAndWritesTemporaryTablesAlone) {
  execute("CREATE TABLE looked_at (id int)");
  execute("CREATE TEMP TABLE looked_with (id int)");
  ASSERT_TRUE(session_->begin_snapshot());
  EXPECT_EQ(answer("SELECT count(*) FROM looked_at"), "0");
  ASSERT_TRUE(TestServer::shared().connect()->run("INSERT INTO looked_at VALUES (1)"));
  EXPECT_EQ(answer("SELECT count(*) FROM looked_at"), "0");
  execute("INSERT INTO looked_with VALUES (1)");
  EXPECT_THAT(error_of("DELETE FROM looked_at").message, HasSubstr("read-only"));
  session_->rollback();
  EXPECT_EQ(answer("SELECT count(*) FROM looked_at"), "1");
  execute("DROP TABLE looked_at");
}

TEST_F(ConnectionTest, StreamsUntilTheRowsEndOrEnough) {
  const std::string many =
      "SELECT i, CASE WHEN i % 2 = 0 THEN 'even' END FROM generate_series(1, $1::int) i";
  const Cell count[] = {"200000"};
  int64_t seen = 0;
  int64_t evens = 0;
  ASSERT_TRUE(session_->stream(many, count, [&](std::span<const Cell> cells) {
    ++seen;
    evens += cells[1] == "even";
    return true;
  }));
  EXPECT_EQ(seen, 200'000);
  EXPECT_EQ(evens, 100'000);
  for (const bool in_transaction : {false, true}) {
    if (in_transaction) {
      ASSERT_TRUE(session_->begin());
    }
    seen = 0;
    ASSERT_TRUE(session_->stream(many, count, [&](auto) { return ++seen < 3; }));
    EXPECT_EQ(seen, 3);
    EXPECT_EQ(answer("SELECT 1"), "1");
  }
  ASSERT_TRUE(session_->commit());
  seen = 0;
  const auto broken = session_->stream("SELECT 1 / (5000 - i) FROM generate_series(1, 9999) i", {},
                                       [&](auto) { return ++seen > 0; });
  ASSERT_FALSE(broken);
  EXPECT_EQ(session_->refusal().state, "22012");
  EXPECT_EQ(seen, 4999);
  EXPECT_FALSE(session_->stream("COPY (SELECT 1) TO STDOUT", {}, [](auto) { return true; }));
  EXPECT_EQ(answer("SELECT 1"), "1");
}

TEST_F(ConnectionTest, InterruptEndsTheStatementAtWork) {
  const std::string process = answer("SELECT pg_backend_pid()");
  auto waiting =
      std::async(std::launch::async, [&] { return session_->run("SELECT pg_sleep(600)"); });
  await_wait(process, "PgSleep");
  session_->interrupt();
  const auto rows = waiting.get();
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::cancelled);
  EXPECT_EQ(answer("SELECT 1"), "1");
  EXPECT_TRUE(session_->works());
}

TEST_F(ConnectionTest, LocksThatAreHeldAreBusy) {
  execute("CREATE TABLE locked (id bigint PRIMARY KEY, name text)");
  const auto other = TestServer::shared().connect();
  ASSERT_TRUE(other->begin());
  ASSERT_TRUE(other->run("INSERT INTO locked VALUES (1, 'x')"));
  EXPECT_EQ(error_of("LOCK TABLE locked IN EXCLUSIVE MODE NOWAIT").code, ErrorCode::sql);
  ASSERT_TRUE(session_->begin());
  EXPECT_EQ(error_of("LOCK TABLE locked IN EXCLUSIVE MODE NOWAIT").code, ErrorCode::busy);
  EXPECT_EQ(session_->refusal().state, "");
  session_->rollback();

  // A load that waits for the other's row can be given up.
  ASSERT_TRUE(session_->begin());
  {
    const std::string process = answer("SELECT pg_backend_pid()");
    auto load = session_->bulk_load(
        {"", "locked", {{"id", type_of("bigint")}, {"name", type_of("varchar")}}});
    ASSERT_TRUE(load);
    BuiltColumn ids("bigint");
    BuiltColumn names("varchar");
    for (int64_t i = 1; i < 20'000; ++i) {
      ids.add(i);
      names.add_text(std::string(100, 'n'));
    }
    const server::ColumnView columns[] = {ids.view(), names.view()};
    ASSERT_TRUE((*load)->append({ids.rows(), columns}));
    await_wait(process, "transactionid");
  }
  session_->rollback();
  EXPECT_EQ(answer("SELECT count(*) FROM locked"), "0");
  other->rollback();
  execute("DROP TABLE locked");
}

TEST_F(ConnectionTest, ADeadlockIsBusy) {
  execute("CREATE TABLE first_one (a int)");
  execute("CREATE TABLE second_one (a int)");
  const auto other = TestServer::shared().connect();
  const std::string process = other->run("SELECT pg_backend_pid()")->text(0, 0);
  ASSERT_TRUE(session_->begin());
  ASSERT_TRUE(other->begin());
  execute("LOCK TABLE first_one");
  ASSERT_TRUE(other->run("LOCK TABLE second_one"));
  auto waiting = std::async(std::launch::async, [&] { return other->run("LOCK TABLE first_one"); });
  await_wait(process, "relation");
  const auto mine = session_->run("LOCK TABLE second_one");
  if (!mine) session_->rollback();
  const auto theirs = waiting.get();
  ASSERT_NE(mine.has_value(), theirs.has_value());
  EXPECT_EQ((mine ? theirs : mine).error().code, ErrorCode::busy);
  session_->rollback();
  other->rollback();
  execute("DROP TABLE first_one, second_one");
}

TEST_F(ConnectionTest, RowsAreToBlameForWhatFunctionsRaise) {
  const auto raise = [&](const std::string& state) {
    EXPECT_FALSE(
        session_->run("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '" + state + "'; END $$"));
    return session_->refusal();
  };
  for (const char* state : {"P0001", "U0815", "45000", "23514", "22003", "44000", "54000"}) {
    EXPECT_TRUE(raise(state).by_row) << state;
  }
  for (const char* state : {"42501", "42P01", "0A000", "25006", "54001", "XX000"}) {
    EXPECT_FALSE(raise(state).by_row) << state;
  }
  EXPECT_EQ(raise("P0001").routine, "inline_code_block");
  EXPECT_EQ(raise("P0001").message, "no");
  EXPECT_EQ(raise("40001").state, "") << "is tried again";
}

TEST_F(ConnectionTest, ASessionThatWasEndedIsUnavailable) {
  const auto other = TestServer::shared().connect();
  const std::string process = other->run("SELECT pg_backend_pid()")->text(0, 0);
  EXPECT_EQ(answer("SELECT pg_terminate_backend(" + process + ", 60000)"), "t");
  EXPECT_EQ(error_of("SELECT x").code, ErrorCode::sql);
  const auto rows = other->run("SELECT 1");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::unavailable);
  EXPECT_THAT(rows.error().message, HasSubstr("administrator command"));
  EXPECT_FALSE(other->works());
  EXPECT_EQ(other->refusal().state, "");
  const auto again = other->run("SELECT 1");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::unavailable);
  other->rollback();
}

TEST_F(ConnectionTest, ASessionThatIsEndedUnderALoadIsUnavailable) {
  execute("CREATE TABLE cut (id bigint)");
  const auto other = TestServer::shared().connect();
  const std::string process = other->run("SELECT pg_backend_pid()")->text(0, 0);
  ASSERT_TRUE(other->begin());
  auto load = other->bulk_load({"", "cut", {{"id", type_of("bigint")}}});
  ASSERT_TRUE(load);
  EXPECT_EQ(answer("SELECT pg_terminate_backend(" + process + ", 60000)"), "t");
  BuiltColumn ids("bigint");
  ids.add(int64_t{1});
  const server::ColumnView columns[] = {ids.view()};
  ASSERT_TRUE((*load)->append({1, columns}));
  const auto rows = (*load)->finish();
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::unavailable);
  EXPECT_THAT(rows.error().message, HasSubstr("administrator command"));
  EXPECT_FALSE(other->works());
  other->rollback();
  EXPECT_EQ(answer("SELECT count(*) FROM cut"), "0");
  execute("DROP TABLE cut");
}

TEST_F(ConnectionTest, QuotesWhatSqlReads) {
  for (const std::string text : {"plain", "it's", "back\\slash", "\\'", "\"", "ñ", ""}) {
    EXPECT_EQ(answer("SELECT " + session_->quote_literal(text)), text);
    if (text.empty()) continue;
    const auto rows = session_->run("SELECT 1 AS " + session_->quote_identifier(text));
    ASSERT_TRUE(rows) << text;
    EXPECT_EQ(rows->columns[0], text);
  }
}

TEST_F(ConnectionTest, TellsItsVersion) {
  EXPECT_THAT(session_->version(), testing::MatchesRegex("PostgreSQL [0-9]+\\.[0-9]+"));
}

}  // namespace
}  // namespace weir::postgres
