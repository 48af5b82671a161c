#include "pipeline/target_sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/test_project.h"
#include "postgres/test_server_for_test.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using Cells = std::vector<server::Cell>;

/// The same statements on each engine.
class TargetSqlTest : public testing::TestWithParam<Engine> {
 protected:
  TargetSqlTest() {
    if (GetParam() == Engine::postgres) server_ = postgres::TestServer::shared().connect();
    connection_ = *test_.database().connect();
    target_ = make_target_sql(*connection_, server_.get(), GetParam());
    if (server_) {
      EXPECT_TRUE(server_->begin());
    }
    key_ = target_->identifier("key");
    EXPECT_TRUE(
        target_->run("CREATE TEMPORARY TABLE moments (id bigint, since timestamptz, name "
                     "varchar(40), " +
                     key_ + " varchar(40))"));
  }
  std::vector<Cells> rows(const std::string& sql) {
    const auto found = target_->run(sql);
    if (!found) return {{found.error().to_string()}};
    return found->rows;
  }

  TestProject test_;
  std::unique_ptr<server::Connection> server_;
  std::unique_ptr<duckdb::Connection> connection_;
  std::unique_ptr<TargetSql> target_;
  std::string key_;  // quoted
};

TEST_P(TargetSqlTest, MomentsAndTextsComeBackAsTheyWere) {
  const Timestamp at{std::chrono::microseconds(1'800'000'000'123'456)};
  const std::string name = "it's \\ \"x\" $1 é";
  ASSERT_TRUE(target_->run("INSERT INTO moments VALUES (1, " + target_->moment(at) + ", " +
                           target_->literal(name) + ", NULL)"));
  EXPECT_THAT(rows("SELECT id, " + target_->moment_text("since") + ", name, " +
                   target_->identifier("key") + " FROM moments WHERE name = " +
                   target_->literal(name) + " AND since = " + target_->moment(at)),
              ElementsAre(Cells{"1", "2027-01-15T08:00:00Z", name, std::nullopt}));
}

TEST_P(TargetSqlTest, LentRowsChangeThoseTheyMeet) {
  ASSERT_TRUE(target_->run("INSERT INTO moments (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')"));
  std::vector<Column> columns(2);
  columns[0].name = "id";
  columns[0].type = *parse_data_type("bigint");
  columns[1].name = "name";
  columns[1].type = *parse_data_type("varchar");
  for (const char* name : {"x", "y"}) {
    const auto lent = target_->lend(
        "weir_lent",
        std::string("SELECT i AS id, '") + name + "' || i AS name FROM range(2, 9) r(i)", columns,
        "SELECT id, name FROM moments");
    ASSERT_TRUE(lent) << lent.error().to_string();
    const auto updated =
        target_->run(target_->update("moments", {{"key", "t.name"}, {"name", "u.name"}}, *lent,
                                     "t.id = u.id AND t.name <> 'c'"));
    ASSERT_TRUE(updated) << updated.error().to_string();
    EXPECT_EQ(updated->changed, 1u);
  }
  EXPECT_THAT(rows("SELECT name, " + key_ + " FROM moments ORDER BY id"),
              ElementsAre(Cells{"a", std::nullopt}, Cells{"y2", "x2"}, Cells{"c", std::nullopt}));
}

TEST_P(TargetSqlTest, ItStreamsUntilNobodyWantsMore) {
  std::vector<std::string> seen;
  ASSERT_TRUE(target_->run("INSERT INTO moments (id) VALUES (1), (2), (3)"));
  const auto done =
      target_->stream("SELECT id FROM moments ORDER BY id", [&](std::span<const server::Cell> row) {
        seen.push_back(row[0].value_or("NULL"));
        return seen.size() < 2;
      });
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_THAT(seen, ElementsAre("1", "2"));
  EXPECT_THAT(rows("SELECT count(*) FROM moments"), ElementsAre(Cells{"3"}));
}

INSTANTIATE_TEST_SUITE_P(Engines, TargetSqlTest, testing::Values(Engine::duckdb, Engine::postgres),
                         [](const auto& engine) {
                           return engine.param == Engine::duckdb ? "duckdb" : "postgres";
                         });

}  // namespace
}  // namespace weir::pipeline
