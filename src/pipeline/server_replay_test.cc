#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "pipeline/mend_export.h"
#include "pipeline/test_project.h"
#include "postgres/test_server_for_test.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Cells = std::vector<server::Cell>;

/// The test project with its tables on a server, in a database of its own.
class ServerReplayTest : public testing::Test {
 protected:
  ServerReplayTest() {
    static int serial = 0;
    const std::string name = "replay_" + std::to_string(++serial);
    auto& server = postgres::TestServer::shared();
    EXPECT_TRUE(server.connect()->run("CREATE DATABASE " + name));
    DatabaseConfig& database = test_.project.databases.front();
    database.engine = Engine::postgres;
    database.url = "postgres://owner@:" + std::to_string(server.port()) + "/" + name +
                   "?host=" + server.folder();
    database.path.clear();
    test_.executor.reset();
    test_.resources = *open_resources(test_.project);
    test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
  }

  std::unique_ptr<server::Connection> connect() {
    return *test_.resources.databases->connect(DatabaseName("warehouse"));
  }
  std::vector<Cells> query(const std::string& sql) { return connect()->run(sql)->rows; }
  RejectedRun rejected(const RunId& run) {
    return *find_rejected_run(test_.resources, run.value());
  }
  Receipt replay(const weir::Run& run, const ReplayOrder& order) {
    test_.executor->order_replay(run.id, order);
    Progress progress;
    return test_.executor->execute({&run, 1}, progress).front().receipt;
  }
  /// A replay of all rejects of the run, with what the file says.
  std::pair<weir::Run, ReplayOrder> ordered(const RunId& run, const std::string& file) {
    weir::Run again = test_.make_run("people", "a.csv");
    again.trigger = replay_trigger;
    ReplayOrder order{rejected(run), test_.project.root / "mended", "mended.csv", false};
    std::ofstream(order.file, std::ios::binary) << file;
    return {again, order};
  }

  TestProject test_;
};

TEST_F(ServerReplayTest, TriedAgainAfterACommitItDidNotHearOfItGivesThatReceipt) {
  test_.drop("a.csv", "id,name\n1,ann\nx,bob\ny,cyd\n");
  const RunId run = test_.run("people", "a.csv").run;
  const auto [again, order] = ordered(run, "weir_reject,id,name\n1,2,bob\n2,z,cyd\n");
  const Receipt first = replay(again, order);
  ASSERT_FALSE(first.error) << first.error->to_string();
  EXPECT_EQ(first.rows.inserted, 1u);
  EXPECT_EQ(first.rows.rejected, 1u);
  const Receipt second = replay(again, order);
  ASSERT_FALSE(second.error) << second.error->to_string();
  EXPECT_EQ(second.rows, first.rows);
  EXPECT_EQ(second.rejects.size(), 1u);
  EXPECT_THAT(query("SELECT id, name FROM people ORDER BY id"),
              ElementsAre(Cells{"1", "ann"}, Cells{"2", "bob"}));
  EXPECT_THAT(query("SELECT count(*) FROM weir_loads WHERE replay_of IS NOT NULL"),
              ElementsAre(Cells{"1"}));
}

TEST_F(ServerReplayTest, WhoComesSecondIsToldThatTheRejectsAreResolved) {
  test_.drop("a.csv", "id,name\n1,ann\nx,bob\n");
  const RunId run = test_.run("people", "a.csv").run;
  const auto [again, order] = ordered(run, "weir_reject,id,name\n1,2,bob\n");
  const auto other = connect();
  ASSERT_TRUE(other->begin());
  ASSERT_TRUE(other->run("UPDATE weir_rejects SET resolution = 'dismissed'"));
  Receipt receipt;
  std::thread second([&, &again = again, &order = order] { receipt = replay(again, order); });
  // Until it waits for the row.
  const auto observer = connect();
  while (observer
             ->run("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND "
                   "wait_event_type = 'Lock'")
             ->size() == 0) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(other->commit());
  second.join();
  ASSERT_TRUE(receipt.error);
  EXPECT_EQ(receipt.error->code, ErrorCode::busy) << receipt.error->to_string();
  EXPECT_THAT(receipt.error->message, HasSubstr("were resolved while they were replayed"));
  EXPECT_THAT(query("SELECT id FROM people"), ElementsAre(Cells{"1"}));
  EXPECT_THAT(query("SELECT resolution FROM weir_rejects"), ElementsAre(Cells{"dismissed"}));
}

TEST_F(ServerReplayTest, ItWaitsForAServerThatIsDown) {
  test_.drop("a.csv", "id,name\nx,bob\n");
  const RunId run = test_.run("people", "a.csv").run;
  const auto [again, order] = ordered(run, "weir_reject,id,name\n1,2,bob\n");
  auto& server = postgres::TestServer::shared();
  server.stop_at_once();
  test_.executor->order_replay(again.id, order);
  Progress progress;
  const RunOutcome waiting = test_.executor->execute({&again, 1}, progress).front();
  EXPECT_EQ(waiting.down, DatabaseName("warehouse"));
  ASSERT_TRUE(waiting.receipt.error);
  EXPECT_TRUE(waiting.receipt.error->retryable());
  server.start();
  const RunOutcome done = test_.executor->execute({&again, 1}, progress).front();
  ASSERT_FALSE(done.receipt.error) << done.receipt.error->to_string();
  EXPECT_EQ(done.receipt.rows.inserted, 1u);
}

TEST_F(ServerReplayTest, WhatPostgresCannotKeepOfARecordIsFetchedAgain) {
  using namespace std::string_literals;
  test_.drop("a.csv", "id,name\n1,ann\nx,\"n\0l\"\n"s);
  const RunId run = test_.run("people", "a.csv").run;
  std::string file;
  const auto write = [&](const std::string& text) {
    file += text;
    return true;
  };
  ASSERT_TRUE(
      export_rejects(test_.project, test_.resources, rejected(run), MendFormat::json, write));
  EXPECT_THAT(file, HasSubstr("n\\u0000l"));
  test_.drop("a.csv", "id,name\n");
  file.clear();
  ASSERT_TRUE(
      export_rejects(test_.project, test_.resources, rejected(run), MendFormat::json, write));
  EXPECT_THAT(file, testing::Not(HasSubstr("n\\u0000l")));
  Progress progress;
  weir::Run again = test_.make_run("people", "a.csv");
  again.trigger = replay_trigger;
  const Receipt receipt = replay(again, {rejected(run), {}, "", false});
  ASSERT_EQ(receipt.rejects.size(), 1u);
  EXPECT_THAT(receipt.rejects[0].problems[0].message, HasSubstr("holds a NUL"));
}

}  // namespace
}  // namespace weir::pipeline
