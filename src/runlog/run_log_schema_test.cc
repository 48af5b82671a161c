#include "runlog/run_log_schema.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "runlog/run_log_for_test.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

/// A file as the first version of weir left it, its owner killed: `a` running and queued again by
/// force, `b` and a run without object queued, two of these running, and some history.
constexpr char first_version_rows[] = R"sql(
INSERT INTO pipelines VALUES (1, 'p', 7), (2, 'daily', 3), (3, 'quiet', 0);
INSERT INTO runs VALUES
  (1, 'old-failed', 1, 'landing', 'mended', 'watch', 0, 4, 1, 0, 1, 1, 2, 3, 'bad'),
  (2, 'mended', 1, 'landing', 'mended', 'watch', 0, 2, 1, 0, 4, 4, 5, 6, ''),
  (3, 'waits', 1, 'landing', 'broken', 'watch', 0, 4, 1, 0, 7, 7, 8, 9, 'bad'),
  (4, 'replay-failed', 1, 'landing', 'mended', 'replay', 0, 4, 1, 0, 7, 7, 8, 9, 'bad'),
  (5, 'daily-failed', 2, '', '', 'manual', 0, 4, 1, 0, 7, 7, 8, 9, 'bad'),
  (6, 'running', 1, 'landing', 'a', 'watch', 0, 1, 1, 5, 10, 10, 11, NULL, ''),
  (7, 'forced', 1, 'landing', 'a', 'manual', 1, 0, 0, 5, 12, 12, NULL, NULL, ''),
  (8, 'queued', 1, 'landing', 'b', 'watch', 0, 0, 0, 2, 13, 13, NULL, NULL, ''),
  (9, 'daily-running', 2, '', '', 'manual', 0, 1, 1, 9, 14, 14, 15, NULL, ''),
  (10, 'daily-queued', 2, '', '', 'manual', 0, 0, 0, 9, 16, 16, NULL, NULL, '');
INSERT INTO receipts VALUES (2, '{"status":"succeeded"}');
INSERT INTO log_lines VALUES (1, 1, 2000000, 'info', 'one'), (1, 2, 3000000, 'error', 'bad'),
  (3, 1, 9000000, 'error', 'bad');
INSERT INTO known_objects VALUES (1, 'landing', 'mended', 5, 6, 7, 8);
UPDATE state_counts SET runs = 3 WHERE state = 0;
UPDATE state_counts SET runs = 2 WHERE state = 1;
UPDATE state_counts SET runs = 1 WHERE state = 2;
UPDATE state_counts SET runs = 4 WHERE state = 4;
)sql";

class MigrationTest : public RunLogTest {
 protected:
  MigrationTest() {
    log_.reset();
    std::filesystem::remove_all(folder_.path("env"));
    std::filesystem::create_directories(folder_.path("env"));
    std::ofstream(path()).close();
    auto connection = value(SqliteConnection::open(path(), AccessMode::read_write));
    expect_ok(migrate_schema(*connection, at(1), 1));
    expect_ok(connection->execute(first_version_rows));
  }
  RunState state_of(const char* id) { return value(log_->find(RunId(id)))->state; }
};

TEST_F(MigrationTest, keeps_runs_receipts_lines_and_the_memory_of_objects) {
  reopen();
  const auto run = value(log_->find(RunId("mended")));
  ASSERT_TRUE(run);
  EXPECT_EQ(run->state, RunState::succeeded);
  EXPECT_EQ(run->receipt, R"({"status":"succeeded"})");
  EXPECT_EQ(run->failures, 0);
  EXPECT_FALSE(run->not_before);
  const auto lines = value(log_->log_lines(RunId("old-failed")));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].message, "one");
  EXPECT_EQ(lines[0].time, at(2));
  EXPECT_EQ(lines[1].level, "error");
  EXPECT_EQ(
      value(log_->known_after(PipelineName("p"), BucketName("landing"), ObjectKey(), 9)).size(),
      1u);
}

TEST_F(MigrationTest, parks_what_failed_and_still_waits_for_a_person) {
  reopen();
  EXPECT_EQ(state_of("waits"), RunState::parked);
  EXPECT_EQ(state_of("old-failed"), RunState::failed);
  EXPECT_EQ(state_of("replay-failed"), RunState::failed);
  EXPECT_EQ(state_of("daily-failed"), RunState::failed);
  EXPECT_EQ(value(log_->count(RunState::parked)), 1u);
  EXPECT_EQ(value(log_->count(RunState::failed)), 3u);
  EXPECT_EQ(value(log_->count(RunState::queued)), 3u);
  EXPECT_EQ(value(log_->list({.state = RunState::parked})).size(), 1u);
}

TEST_F(MigrationTest, its_queue_goes_on_where_it_was) {
  reopen();
  // Both pipelines have something running: only `b` may be leased beside them.
  EXPECT_THAT(lease_keys(9), ElementsAre("b"));
  EXPECT_THAT(lease_keys(9), ElementsAre());
  EXPECT_EQ(value(log_->recover()), 3u);
  EXPECT_THAT(lease_keys(9), ElementsAre(""));
  EXPECT_THAT(lease_keys(9), UnorderedElementsAre("a", "b"));
}

TEST_F(MigrationTest, happens_once) {
  reopen();
  expect_ok(log_->append_log(RunId("queued"), {at(20), "info", "later"}));
  reopen();
  EXPECT_EQ(value(log_->log_lines(RunId("queued"))).size(), 1u);
  EXPECT_EQ(value(log_->newest_log_lines(9)).size(), 4u);
}

}  // namespace
}  // namespace weir::runlog::testing
