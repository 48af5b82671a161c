#include "postgres/bulk_load.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>
#include <utility>

#include "postgres/column_for_test.h"
#include "postgres/session.h"
#include "postgres/test_server_for_test.h"

namespace weir::postgres {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr size_t batch_rows = 2048;

/// Rows (id bigint, name varchar) in batches, ids counted from 0.
class NumberedRows {
 public:
  explicit NumberedRows(size_t name_bytes = 20) : name_(name_bytes, 'n') {}

  Result<void> append_to(server::BulkLoad& load, size_t rows) {
    BuiltColumn ids("bigint");
    BuiltColumn names("varchar");
    for (size_t i = 0; i < rows; ++i) {
      ids.add(next_++);
      names.add_text(name_);
    }
    const server::ColumnView columns[] = {ids.view(), names.view()};
    return load.append({rows, columns});
  }

 private:
  std::string name_;
  int64_t next_ = 0;
};

server::BulkTarget numbered(const std::string& table) {
  return {"", table, {{"id", type_of("bigint")}, {"name", type_of("varchar")}}};
}

class BulkLoadTest : public testing::Test {
 protected:
  void execute(const std::string& sql) {
    const auto done = session_->run(sql);
    ASSERT_TRUE(done) << done.error().to_string();
  }
  std::string answer(const std::string& sql) {
    const auto rows = session_->run(sql);
    return rows && rows->size() == 1 ? rows->text(0, 0) : "no answer";
  }
  std::unique_ptr<server::BulkLoad> start(const server::BulkTarget& target) {
    auto load = session_->bulk_load(target);
    EXPECT_TRUE(load) << load.error().to_string();
    return std::move(*load);
  }
  /// Loads one row of an integer and a text into `t (a, b)`; gives the error.
  Error refused(int32_t a, const char* b) {
    auto load = start({"", "t", {{"a", type_of("integer")}, {"b", type_of("varchar")}}});
    BuiltColumn numbers("integer");
    BuiltColumn words("varchar");
    numbers.add(int32_t{1'000}).add(a);
    words.add_text("fine");
    b == nullptr ? words.add_null() : words.add_text(b);
    const server::ColumnView columns[] = {numbers.view(), words.view()};
    auto appended = load->append({2, columns});
    if (!appended) return appended.error();
    const auto rows = load->finish();
    EXPECT_FALSE(rows);
    return rows ? Error{} : rows.error();
  }

  std::unique_ptr<server::Connection> session_ = TestServer::shared().connect();
};

TEST_F(BulkLoadTest, TwoMillionRowsPassThroughFourBuffers) {
  ASSERT_TRUE(session_->begin());
  execute("CREATE TEMP TABLE many (id bigint, name text)");
  auto load = start(numbered("many"));
  NumberedRows rows;
  for (size_t sent = 0; sent < 2'000'000; sent += 100'000) {
    ASSERT_TRUE(rows.append_to(*load, 100'000));
  }
  const auto taken = load->finish();
  ASSERT_TRUE(taken) << taken.error().to_string();
  EXPECT_EQ(*taken, 2'000'000);
  // 80 MB went through, in several COPYs.
  EXPECT_LE(dynamic_cast<CopyLoad&>(*load).buffers_made(), CopyLoad::buffers);
  ASSERT_TRUE(session_->commit());
  EXPECT_EQ(answer("SELECT count(*) || ' ' || sum(id) || ' ' || count(DISTINCT id) FROM many"),
            "2000000 1999999000000 2000000");
}

TEST_F(BulkLoadTest, ASmallLoadMakesOneBuffer) {
  execute("CREATE TEMP TABLE few (id bigint, name text)");
  auto load = start(numbered("few"));
  NumberedRows rows;
  ASSERT_TRUE(rows.append_to(*load, batch_rows));
  ASSERT_TRUE(rows.append_to(*load, 0));
  EXPECT_EQ(load->finish().value_or(0), batch_rows);
  EXPECT_EQ(dynamic_cast<CopyLoad&>(*load).buffers_made(), 1);
}

TEST_F(BulkLoadTest, ARowLongerThanABufferIsSentWhole) {
  execute("CREATE TEMP TABLE wide (id bigint, name text)");
  auto load = start(numbered("wide"));
  NumberedRows rows(5 << 20);
  ASSERT_TRUE(rows.append_to(*load, 6));
  EXPECT_EQ(load->finish().value_or(0), 6);
  EXPECT_EQ(answer("SELECT sum(length(name)) FROM wide"), std::to_string(6 * (5 << 20)));
}

TEST_F(BulkLoadTest, NoRowsAreFine) {
  execute("CREATE TEMP TABLE none (id bigint, name text)");
  auto load = start(numbered("none"));
  EXPECT_EQ(load->finish().value_or(7), 0);
}

TEST_F(BulkLoadTest, NamesAreTakenAsTheyAre) {
  execute("CREATE SCHEMA \"Odd \"\"one\"");
  execute(
      "CREATE TABLE \"Odd \"\"one\".\"select\" (\"Two words\" int, x int GENERATED ALWAYS AS (1) "
      "STORED)");
  auto load = start({"Odd \"one", "select", {{"Two words", type_of("integer")}}});
  BuiltColumn column("integer");
  column.add(int32_t{5});
  const server::ColumnView columns[] = {column.view()};
  ASSERT_TRUE(load->append({1, columns}));
  EXPECT_EQ(load->finish().value_or(0), 1);
  const auto generated = session_->bulk_load({"Odd \"one", "select", {{"x", type_of("integer")}}});
  ASSERT_FALSE(generated);
  EXPECT_THAT(generated.error().message, HasSubstr("generated"));
  const auto missing = session_->bulk_load({"Odd \"one", "select", {{"y", type_of("integer")}}});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("no column y"));
  const auto nowhere = session_->bulk_load(numbered("nowhere"));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(session_->refusal().state, "42P01");
  execute("DROP SCHEMA \"Odd \"\"one\" CASCADE");
}

TEST_F(BulkLoadTest, WhoMayNotInsertIsToldSo) {
  ASSERT_TRUE(session_->begin());
  execute("CREATE TABLE closed (id bigint, name text)");
  execute("CREATE ROLE reader");
  execute("GRANT SELECT ON closed TO reader");
  execute("SET LOCAL ROLE reader");
  const auto load = session_->bulk_load(numbered("closed"));
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().message, "permission denied for table closed (42501)");
  EXPECT_EQ(session_->refusal().state, "42501");
  EXPECT_FALSE(session_->refusal().by_row);
  session_->rollback();
}

TEST_F(BulkLoadTest, AbandonedLeavesATransactionToRollBack) {
  execute("CREATE TEMP TABLE gone (id bigint, name text)");
  for (const size_t batches : {1, 60}) {
    ASSERT_TRUE(session_->begin());
    {
      auto load = start(numbered("gone"));
      NumberedRows rows;
      for (size_t i = 0; i < batches; ++i) ASSERT_TRUE(rows.append_to(*load, batch_rows));
    }
    const auto committed = session_->commit();
    ASSERT_FALSE(committed);
    EXPECT_THAT(committed.error().message, HasSubstr("nothing was committed"));
    EXPECT_EQ(answer("SELECT count(*) FROM gone"), "0");
  }
}

TEST_F(BulkLoadTest, RollbackEndsALoadThatIsStillThere) {
  execute("CREATE TEMP TABLE gone (id bigint, name text)");
  ASSERT_TRUE(session_->begin());
  auto load = start(numbered("gone"));
  NumberedRows rows;
  for (size_t i = 0; i < 60; ++i) ASSERT_TRUE(rows.append_to(*load, batch_rows));
  const auto meanwhile = session_->run("SELECT 1");
  ASSERT_FALSE(meanwhile);
  EXPECT_EQ(meanwhile.error().code, ErrorCode::internal);
  session_->rollback();
  EXPECT_EQ(answer("SELECT count(*) FROM gone"), "0");
}

TEST_F(BulkLoadTest, RefusalsNameConstraintColumnAndRow) {
  execute(R"(CREATE TEMP TABLE parent (id int PRIMARY KEY))");
  execute("INSERT INTO parent VALUES (1), (2), (1000)");
  execute(
      R"(CREATE TEMP TABLE t (a int CONSTRAINT t_unique UNIQUE CONSTRAINT t_small CHECK (a < 5000),
                                  b text NOT NULL, c int DEFAULT 1))");
  execute("INSERT INTO t VALUES (7, 'seven')");
  EXPECT_EQ(refused(7, "x").code, ErrorCode::sql);
  EXPECT_TRUE(session_->refusal().by_row);
  EXPECT_EQ(session_->refusal().state, "23505");
  EXPECT_EQ(session_->refusal().constraint, "t_unique");
  EXPECT_EQ(session_->refusal().row, 2);

  EXPECT_THAT(refused(8, nullptr).message, HasSubstr("null value in column \"b\""));
  EXPECT_EQ(session_->refusal().state, "23502");
  EXPECT_EQ(session_->refusal().column, "b");
  EXPECT_EQ(session_->refusal().row, 2);

  refused(5001, "x");
  EXPECT_EQ(session_->refusal().state, "23514");
  EXPECT_EQ(session_->refusal().constraint, "t_small");
  EXPECT_TRUE(session_->refusal().by_row);

  execute("ALTER TABLE t ADD CONSTRAINT t_parent FOREIGN KEY (a) REFERENCES parent NOT VALID");
  const Error orphan = refused(3, "x");
  EXPECT_THAT(orphan.message, HasSubstr("Key (a)=(3) is not present in table \"parent\""));
  EXPECT_EQ(session_->refusal().constraint, "t_parent");
  EXPECT_TRUE(session_->refusal().by_row);
  EXPECT_TRUE(session_->run("SELECT 1"));
  EXPECT_FALSE(session_->refusal().by_row);
}

TEST_F(BulkLoadTest, TriggersAndDeferredConstraintsRefuseByRow) {
  execute("CREATE TEMP TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED, b text)");
  execute(R"(CREATE FUNCTION pg_temp.no_bees() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.b = 'bee' THEN RAISE 'no bees' USING HINT = 'send wasps', COLUMN = 'b'; END IF;
      RETURN NEW;
    END $$)");
  execute(
      "CREATE TRIGGER no_bees BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION pg_temp.no_bees()");
  const Error bees = refused(1, "bee");
  EXPECT_EQ(bees.message, "no bees (P0001)");
  EXPECT_EQ(bees.fix, "send wasps");
  EXPECT_TRUE(session_->refusal().by_row);
  EXPECT_EQ(session_->refusal().column, "b");
  EXPECT_EQ(session_->refusal().message, "no bees");

  ASSERT_TRUE(session_->begin());
  auto load = start({"", "t", {{"a", type_of("integer")}}});
  BuiltColumn numbers("integer");
  numbers.add(int32_t{1}).add(int32_t{1});
  const server::ColumnView columns[] = {numbers.view()};
  ASSERT_TRUE(load->append({2, columns}));
  ASSERT_EQ(load->finish().value_or(0), 2);
  const auto committed = session_->commit();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, ErrorCode::sql);
  EXPECT_EQ(session_->refusal().state, "23505");
  EXPECT_EQ(session_->refusal().constraint, "t_a_key");
  EXPECT_TRUE(session_->refusal().by_row);
}

TEST_F(BulkLoadTest, ValuesTheServerWouldChangeAreRefusedBeforehand) {
  struct Lossy {
    std::string type, target;
    std::function<void(BuiltColumn&)> add;
    std::string reason;
  };
  using namespace std::string_literals;
  const std::vector<Lossy> lossy = {
      {"varchar", "text", [](auto& c) { c.add_text("a\0b"s); }, "NUL"},
      {"varchar[]", "text[]",
       [](auto& c) { c.add_list([](BuiltColumn& list) { list.add_text("a\0b"s); }); }, "NUL"},
      {"varchar", "varchar(3)", [](auto& c) { c.add_text("ñño "); }, "blanks"},
      {"decimal(9,4)", "numeric(9,2)", [](auto& c) { c.add(int32_t{12'345}); }, "digits"},
      {"decimal(38,4)", "numeric(38,2)", [](auto& c) { c.add(int128("-12345")); }, "digits"},
      {"integer", "numeric(9,-2)", [](auto& c) { c.add(int32_t{12'345}); }, "digits"},
      {"timestamp", "timestamp(3)", [](auto& c) { c.add(int64_t{-1}); }, "precise"},
      {"time", "time(0)", [](auto& c) { c.add(int64_t{1}); }, "precise"},
      {"double", "real", [](auto& c) { c.add(0.1); }, "float"},
  };
  for (const Lossy& one : lossy) {
    SCOPED_TRACE(one.type + " into " + one.target);
    ASSERT_TRUE(session_->begin());
    execute("CREATE TEMP TABLE l (v " + one.target + ")");
    auto load = start({"", "l", {{"v", type_of(one.type)}}});
    BuiltColumn column(one.type);
    one.add(column);
    const server::ColumnView columns[] = {column.view()};
    const auto appended = load->append({1, columns});
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, ErrorCode::invalid_input);
    EXPECT_THAT(appended.error().message, HasSubstr("row 1: the value of column v"));
    EXPECT_THAT(appended.error().message, HasSubstr(one.reason));
    EXPECT_TRUE(session_->refusal().by_row);
    EXPECT_EQ(session_->refusal().row, 1);
    session_->rollback();
  }
}

TEST_F(BulkLoadTest, WhatDoesNotFitIsRefusedByTheServerAndNotCut) {
  struct Unfit {
    std::string type, target;
    std::function<void(BuiltColumn&)> add;
    std::string state;
  };
  const std::vector<Unfit> unfit = {
      {"varchar", "varchar(3)", [](auto& c) { c.add_text("four"); }, "22001"},
      {"bigint", "integer", [](auto& c) { c.add(int64_t{1} << 40); }, "22003"},
      {"decimal(9,2)", "bigint", [](auto& c) { c.add(int32_t{150}); }, "22P02"},
      {"decimal(9,2)", "numeric(4,2)", [](auto& c) { c.add(int32_t{10'000}); }, "22003"},
      {"json", "jsonb", [](auto& c) { c.add_text("\"\\u0000\""); }, "22P05"},
      {"date", "date", [](auto& c) { c.add(int32_t{INT32_MIN}); }, "22008"},
      {"timestamp", "timestamp", [](auto& c) { c.add(int64_t{INT64_MIN + 5}); }, "22008"},
  };
  for (const Unfit& one : unfit) {
    SCOPED_TRACE(one.type + " into " + one.target);
    ASSERT_TRUE(session_->begin());
    execute("CREATE TEMP TABLE l (v " + one.target + ")");
    auto load = start({"", "l", {{"v", type_of(one.type)}}});
    BuiltColumn column(one.type);
    one.add(column);
    const server::ColumnView columns[] = {column.view()};
    ASSERT_TRUE(load->append({1, columns}));
    ASSERT_FALSE(load->finish());
    EXPECT_EQ(session_->refusal().state, one.state);
    EXPECT_TRUE(session_->refusal().by_row);
    session_->rollback();
  }
}

TEST_F(BulkLoadTest, TypesThatWouldLoseAreRefusedBeforeARow) {
  const std::pair<const char*, const char*> pairs[] = {
      {"varchar", "timestamp"},     {"varchar", "numeric"},
      {"varchar", "integer"},       {"varchar", "bytea"},
      {"varchar", "name"},          {"varchar", "interval"},
      {"bigint", "real"},           {"bigint", "double precision"},
      {"decimal(9,2)", "real"},     {"double", "numeric"},
      {"timestamp", "date"},        {"timestamptz", "timestamp"},
      {"timestamp", "timestamptz"}, {"varchar[]", "text"},
      {"varchar", "text[]"},        {"integer", "boolean"},
      {"varchar", "tsvector"},      {"timestamptz[]", "timestamp[]"},
  };
  for (const auto& [type, target] : pairs) {
    SCOPED_TRACE(fmt::format("{} into {}", type, target));
    ASSERT_TRUE(session_->begin());
    execute(fmt::format("CREATE TEMP TABLE l (v {})", target));
    const auto load = session_->bulk_load({"", "l", {{"v", type_of(type)}}});
    ASSERT_FALSE(load);
    EXPECT_EQ(load.error().code, ErrorCode::invalid_input);
    EXPECT_THAT(load.error().message, HasSubstr("column v is loaded with"));
    session_->rollback();
  }
}

TEST_F(BulkLoadTest, ADomainTakesWhatTheTypeBelowItTakes) {
  ASSERT_TRUE(session_->begin());
  execute(
      "CREATE DOMAIN pg_temp.code AS varchar(3) CONSTRAINT upper_code CHECK (upper(VALUE) = "
      "VALUE)");
  execute("CREATE DOMAIN pg_temp.short_code AS pg_temp.code");
  execute("CREATE TEMP TABLE d (v pg_temp.short_code)");
  auto load = start({"", "d", {{"v", type_of("varchar")}}});
  EXPECT_EQ(load->way(), "");
  BuiltColumn column("varchar");
  column.add_text("ABC").add_text("abc");
  const server::ColumnView columns[] = {column.view()};
  ASSERT_TRUE(load->append({2, columns}));
  ASSERT_FALSE(load->finish());
  EXPECT_EQ(session_->refusal().constraint, "upper_code");
}

TEST_F(BulkLoadTest, AnEarlyRefusalDoesNotWaitForAllThatFollows) {
  ASSERT_TRUE(session_->begin());
  execute("CREATE TEMP TABLE u (id bigint CHECK (id <> 3), name text)");
  auto load = start(numbered("u"));
  NumberedRows rows(1'000);
  Result<void> appended;
  size_t sent = 0;
  // Far more than the first COPY takes, and no more.
  const CopyLengths lengths;
  while (appended && sent < 10 * lengths.most) {
    appended = rows.append_to(*load, batch_rows);
    sent += batch_rows * 1'000;
  }
  ASSERT_FALSE(appended);
  EXPECT_EQ(session_->refusal().state, "23514");
  EXPECT_EQ(session_->refusal().row, 4);
  EXPECT_LT(sent, 16 * lengths.first);
  session_->rollback();
  EXPECT_TRUE(session_->works());
}

TEST_F(BulkLoadTest, RowsAreCountedAcrossCopies) {
  ASSERT_TRUE(session_->begin());
  execute("CREATE TEMP TABLE u (id bigint CHECK (id <> 150000), name text)");
  auto load = start(numbered("u"));
  NumberedRows rows(1'000);
  for (size_t i = 0; i < 75; ++i) ASSERT_TRUE(rows.append_to(*load, 2'000 + (i == 74)));
  ASSERT_FALSE(load->finish());
  EXPECT_EQ(session_->refusal().row, 150'001);
}

}  // namespace
}  // namespace weir::postgres
