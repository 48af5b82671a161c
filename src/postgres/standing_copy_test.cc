#include "postgres/standing_copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postgres/column_for_test.h"
#include "postgres/test_server_for_test.h"

namespace weir::postgres {
namespace {

using testing::HasSubstr;

class StandingCopyTest : public testing::Test {
 protected:
  void SetUp() override {
    execute("DROP TABLE IF EXISTS standing");
    execute("CREATE TABLE standing (id bigint PRIMARY KEY, name varchar(10))");
  }
  void execute(const std::string& sql) {
    const auto done = session_->run(sql);
    ASSERT_TRUE(done) << done.error().to_string();
  }
  std::string answer(const std::string& sql) {
    const auto rows = session_->run(sql);
    return rows && rows->size() == 1 ? rows->text(0, 0) : "no answer";
  }
  std::unique_ptr<StandingCopy> make(const std::string& first = "SELECT 1") {
    auto made = StandingCopy::make(
        *session_, {"", "standing", {{"id", type_of("bigint")}, {"name", type_of("varchar")}}},
        first);
    EXPECT_TRUE(made) << made.error().to_string();
    return *std::move(made);
  }
  /// Rows with these ids; the transaction stays open.
  static Result<void> write(StandingCopy& copy, const std::vector<int64_t>& numbers,
                            const char* name = "n") {
    BuiltColumn ids("bigint");
    BuiltColumn names("varchar");
    for (const int64_t number : numbers) {
      ids.add(number);
      names.add_text(name);
    }
    const server::ColumnView columns[] = {ids.view(), names.view()};
    const server::RowBatch batch{numbers.size(), columns};
    return copy.write({&batch, 1});
  }

  std::unique_ptr<server::Connection> session_ = TestServer::shared().connect();
};

TEST_F(StandingCopyTest, EachTransactionIsTheCallers) {
  const auto copy = make();
  ASSERT_TRUE(write(*copy, {1, 2, 3}));
  ASSERT_TRUE(session_->commit());
  ASSERT_TRUE(write(*copy, {4}));
  session_->rollback();
  ASSERT_TRUE(write(*copy, {5}));
  ASSERT_TRUE(session_->run("UPDATE standing SET name = 'x' WHERE id = 5"));
  ASSERT_TRUE(session_->commit());
  EXPECT_EQ(answer("SELECT string_agg(id || name, ',' ORDER BY id) FROM standing"), "1n,2n,3n,5x");
}

TEST_F(StandingCopyTest, ManyRowsGoInPieces) {
  const auto copy = make();
  BuiltColumn ids("bigint");
  BuiltColumn names("varchar");
  for (int64_t i = 0; i < 20'000; ++i) {
    ids.add(i);
    names.add_text("ten digits");
  }
  const server::ColumnView columns[] = {ids.view(), names.view()};
  const server::RowBatch batch{20'000, columns};
  ASSERT_TRUE(copy->write({&batch, 1}));
  ASSERT_TRUE(session_->commit());
  EXPECT_EQ(answer("SELECT count(*) || ' ' || sum(id) FROM standing"), "20000 199990000");
}

TEST_F(StandingCopyTest, WhatTheServerRefusesLeavesNothing) {
  const auto copy = make();
  ASSERT_TRUE(write(*copy, {1}));
  ASSERT_TRUE(session_->commit());
  ASSERT_FALSE(write(*copy, {2, 1}));
  EXPECT_TRUE(session_->refusal().by_row);
  session_->rollback();
  const auto too_long = write(*copy, {3}, "more than ten");
  ASSERT_FALSE(too_long);
  session_->rollback();
  ASSERT_TRUE(write(*copy, {4}));
  ASSERT_TRUE(session_->commit());
  EXPECT_EQ(answer("SELECT string_agg(id::text, ',' ORDER BY id) FROM standing"), "1,4");
}

TEST_F(StandingCopyTest, ValuesThatWouldChangeAreNotSent) {
  const auto copy = make();
  const auto blanks = write(*copy, {1}, "0123456789  ");
  ASSERT_FALSE(blanks);
  EXPECT_EQ(blanks.error().code, ErrorCode::invalid_input);
  session_->rollback();  // nothing was begun
  ASSERT_TRUE(write(*copy, {1}));
  ASSERT_TRUE(session_->commit());
}

TEST_F(StandingCopyTest, ATableThatWasChangedIsNotWrittenTo) {
  const std::vector<std::string> changes[] = {
      {"ALTER TABLE standing ALTER name TYPE varchar(5)"},
      {"ALTER TABLE standing DROP CONSTRAINT standing_pkey"},
      {"ALTER TABLE standing ADD extra integer"},
      {"DROP TABLE standing", "CREATE TABLE standing (id bigint PRIMARY KEY, name varchar(10))"}};
  for (const std::vector<std::string>& change : changes) {
    SetUp();
    const auto copy = make();
    ASSERT_TRUE(write(*copy, {1}));
    ASSERT_TRUE(session_->commit());
    const auto other = TestServer::shared().connect();
    for (const std::string& statement : change) ASSERT_TRUE(other->run(statement)) << statement;
    const auto written = write(*copy, {2});
    ASSERT_FALSE(written) << change.front();
    EXPECT_EQ(written.error().code, ErrorCode::busy) << change.front();
    session_->rollback();
    EXPECT_EQ(answer("SELECT count(*) FROM standing WHERE id = 2"), "0") << change.front();
  }
}

TEST_F(StandingCopyTest, ATriggerThatLeavesRowsOutIsNoticed) {
  execute(
      "CREATE OR REPLACE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
      "NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW; END $$");
  const auto copy = make();
  execute(
      "CREATE TRIGGER leaves_out BEFORE INSERT ON standing FOR EACH ROW EXECUTE FUNCTION "
      "leave_out()");
  const auto written = write(*copy, {1, 2});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::busy);
  session_->rollback();
  EXPECT_EQ(answer("SELECT count(*) FROM standing"), "0");
}

TEST_F(StandingCopyTest, TakesWhatGoesByCopyBinaryAlone) {
  execute("ALTER TABLE standing ALTER id TYPE text");
  const auto made = StandingCopy::make(
      *session_, {"", "standing", {{"id", type_of("bigint")}, {"name", type_of("varchar")}}}, "");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::invalid_input);
}

TEST_F(StandingCopyTest, ALostConnectionIsSaid) {
  const auto copy = make();
  const std::string pid = answer("SELECT pg_backend_pid()");
  const auto other = TestServer::shared().connect();
  ASSERT_TRUE(other->run("SELECT pg_terminate_backend(" + pid + ", 10000)"));
  const auto written = write(*copy, {1});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(session_->works());
}

}  // namespace
}  // namespace weir::postgres
