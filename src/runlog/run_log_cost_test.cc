#include <gmock/gmock.h>

#include <filesystem>

#include "runlog/run_log_for_test.h"
#include "runlog/run_log_schema.h"
#include "runlog/run_log_sql.h"
#include "runlog/sqlite_connection.h"
#include "runlog/sqlite_run_log.h"

namespace weir::runlog::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// SQLite's plan of a statement, one line per step.
std::vector<std::string> plan_of(SqliteConnection& connection, const std::string& sql) {
  std::vector<std::string> steps;
  auto query = connection.query("EXPLAIN QUERY PLAN " + sql);
  EXPECT_TRUE(query) << sql;
  while (query && value(query->next())) steps.emplace_back(query->text(3));
  return steps;
}

const char* const hot_statements[] = {sql::find_pipeline,
                                      sql::ready_runs,
                                      sql::ready_priority,
                                      sql::running_without_object,
                                      sql::most_without_object,
                                      sql::set_top,
                                      sql::ready_pipelines,
                                      sql::mark_served,
                                      sql::set_rule,
                                      sql::find_queued_twin,
                                      sql::find_running,
                                      sql::raise_priority,
                                      sql::lease_run,
                                      sql::block_object,
                                      sql::due_runs,
                                      sql::held_after_now,
                                      sql::release_run,
                                      sql::find_queue_row,
                                      sql::finish_run,
                                      sql::supersede_object,
                                      sql::supersede_scheduled,
                                      sql::queue_again,
                                      sql::hold_run,
                                      sql::retry_run,
                                      sql::delete_receipt,
                                      sql::dismiss_run,
                                      sql::adjust_count,
                                      sql::count_state,
                                      sql::delete_log_lines,
                                      sql::delete_run,
                                      sql::find_number,
                                      sql::log_lines_of_run,
                                      sql::all_log_lines,
                                      sql::newest_log_lines,
                                      sql::set_mark,
                                      sql::forget_mark,
                                      sql::insert_notice,
                                      sql::due_notices,
                                      sql::notices_after_now,
                                      sql::notice_held_after_now,
                                      sql::find_notice,
                                      sql::hold_notice,
                                      sql::delete_notice,
                                      sql::forget_object,
                                      sql::known_after,
                                      sql::find_download};

std::vector<std::string> listings() {
  const std::string select = sql::select_runs;
  const std::string newest = sql::newest_first;
  const auto listing = [&](const std::string& conditions) {
    return select + " WHERE " + conditions + newest;
  };
  const std::string in_time = std::string(sql::where_since) + " AND " + sql::where_until;
  return {
      select + sql::where_id,
      listing(sql::where_pipeline),
      listing(sql::where_state),
      listing(std::string(sql::where_pipeline) + " AND " + sql::where_state),
      listing(sql::where_object),
      listing(std::string(sql::where_pipeline_of_object) + " AND " + sql::where_state_of_object +
              " AND " + sql::where_object),
      listing(in_time),
      listing(sql::where_pipeline + (" AND " + in_time)),
      listing(sql::where_state + (" AND " + in_time)),
      listing(std::string(sql::where_pipeline) + " AND " + sql::where_state + " AND " + in_time),
      listing(sql::where_object + (" AND " + in_time))};
}

TEST_F(RunLogTest, no_hot_statement_scans_or_sorts_the_queue_or_the_history) {
  log_.reset();
  auto connection = value(SqliteConnection::open(path(), AccessMode::read_write));
  std::vector<std::string> statements = listings();
  statements.insert(statements.end(), std::begin(hot_statements), std::end(hot_statements));
  for (const std::string& statement : statements) {
    for (const std::string& step : plan_of(*connection, statement)) {
      if (step == "SCAN CONSTANT ROW") continue;
      EXPECT_THAT(step, Not(HasSubstr("SCAN"))) << statement;
      EXPECT_THAT(step, Not(HasSubstr("TEMP B-TREE"))) << statement;
    }
  }
}

TEST_F(RunLogTest, hot_statements_walk_the_index_that_was_made_for_them) {
  log_.reset();
  auto connection = value(SqliteConnection::open(path(), AccessMode::read_write));
  // Ordered walks over a whole partial index: they stop after a row, or where the caller does.
  EXPECT_THAT(plan_of(*connection, sql::next_due), ElementsAre(HasSubstr("runs_held")));
  EXPECT_THAT(plan_of(*connection, sql::next_notice_due), ElementsAre(HasSubstr("notices_due")));
  EXPECT_THAT(plan_of(*connection, sql::running_rows), ElementsAre(HasSubstr("runs_running")));
  EXPECT_THAT(plan_of(*connection, sql::prunable), Contains(HasSubstr("runs_finished")));
  EXPECT_THAT(plan_of(*connection, sql::prunable), Not(Contains(HasSubstr("TEMP B-TREE"))));
  EXPECT_THAT(plan_of(*connection, std::string(sql::select_runs) + sql::newest_first),
              Contains(HasSubstr("runs_by_time")));
  EXPECT_THAT(plan_of(*connection, std::string(sql::select_runs) + sql::newest_first),
              Not(Contains(HasSubstr("TEMP B-TREE"))));
  const auto searches = [&](const std::string& statement, const std::string& index) {
    EXPECT_THAT(plan_of(*connection, statement), Contains(HasSubstr(index))) << statement;
  };
  searches(sql::ready_runs, "runs_ready (pipeline_id=? AND <expr>=?)");
  searches(sql::ready_pipelines, "pipelines_ready (lane=? AND top>?)");
  searches(sql::find_queued_twin, "runs_queued_object");
  searches(sql::block_object, "runs_queued_object");
  searches(sql::supersede_object, "runs_parked");
  searches(sql::last_failed, "runs_parked");
  for (const std::string& step : plan_of(*connection, sql::queue_lengths)) {
    EXPECT_THAT(step, Not(HasSubstr("TEMP B-TREE")));
    if (!step.starts_with("SEARCH r")) continue;
    EXPECT_THAT(step, HasSubstr("COVERING INDEX"));
  }
}

/// What calls cost, in steps of SQLite's machine: no clock, no luck.
class CostTest : public RunLogTest {
 protected:
  /// Writes rows past the run log, which is quicker, and opens it again.
  void fill(const std::string& statements) {
    log_.reset();
    {
      auto connection = value(SqliteConnection::open(path(), AccessMode::read_write));
      expect_ok(connection->execute("BEGIN; " + statements + "; COMMIT"));
    }
    reopen();
  }
  /// So many runs of the pipeline with this row; `i` counts from 0.
  static std::string runs(size_t count, const std::string& pipeline, const std::string& key,
                          RunState state = RunState::queued, const std::string& held = "NULL") {
    const bool object = key != "''";
    const std::string name = std::to_string(static_cast<int>(state));
    return "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT " +
           std::to_string(count) +
           ") INSERT INTO runs (id, pipeline_id, bucket, object_key, trigger_kind, force, state, "
           "tries, priority, scheduled_us, created_us, finished_us, error, not_before_us, held_us) "
           "SELECT 'r-" +
           name + "-' || i, " + pipeline + (object ? ", 'landing', " : ", '', ") + key +
           ", 'watch', 0, " + name + ", 0, 0, i, i, i, '', " + held + ", 0" +
           " FROM n; UPDATE state_counts SET runs = " + std::to_string(count) +
           " WHERE state = " + name + ";";
  }
  static std::string pipelines(size_t count, const std::string& top) {
    return "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT " +
           std::to_string(count) +
           ") INSERT INTO pipelines (pipeline_id, name, top, lane) SELECT i + 1, 'p' || i, " + top +
           ", 'lane' FROM n;";
  }
  /// The cost of one run's way through the queue, the dearest of a few.
  uint64_t way(const Closed& closed = {}) {
    auto& log = static_cast<SqliteRunLog&>(*log_);
    uint64_t dearest = 0;
    for (int i = 0; i < 5; ++i) {
      const uint64_t before = log.steps();
      add(make_run("fresh", "x" + std::to_string(i), 1'000'000));
      const auto leased = value(log_->lease(1, at(2'000'000), closed));
      EXPECT_EQ(leased.size(), 1u);
      std::vector<FinishedRun> finished;
      for (const weir::Run& run : leased) {
        finished.push_back({run.id, RunState::succeeded, "{}", "", {}});
      }
      expect_ok(log_->finish(finished, at(2'000'001)));
      dearest = std::max(dearest, log.steps() - before);
    }
    return dearest;
  }
  /// The same where nothing else is.
  uint64_t lonely_way() {
    const uint64_t cost = way();
    std::filesystem::remove_all(folder_.path("env"));
    reopen();
    return cost;
  }
};

constexpr double slack = 1.3;  // a few rows more or less on the way, not thousands

TEST_F(CostTest, of_a_run_does_not_grow_with_the_queue) {
  const auto lonely = static_cast<double>(lonely_way());
  fill(pipelines(1, "0") + runs(100'000, "1", "'k' || i"));
  EXPECT_LE(static_cast<double>(way()), lonely * slack);
}

TEST_F(CostTest, of_a_run_does_not_grow_with_runs_that_wait_for_the_one_before) {
  const auto lonely = static_cast<double>(lonely_way());
  fill(pipelines(1, "0") + runs(100'000, "1", "''"));
  EXPECT_EQ(value(log_->lease(9, at(1))).size(), 1u);  // the others wait for it
  EXPECT_LE(static_cast<double>(way()), lonely * slack);
}

TEST_F(CostTest, of_a_run_does_not_grow_with_runs_held_back) {
  const auto lonely = static_cast<double>(lonely_way());
  fill(pipelines(1, "NULL") + runs(100'000, "1", "'k' || i", RunState::queued, "3000000000000"));
  EXPECT_LE(static_cast<double>(way()), lonely * slack);
}

TEST_F(CostTest, of_a_run_does_not_grow_with_pipelines_nor_with_a_closed_lane_of_them) {
  const auto lonely = static_cast<double>(lonely_way());
  fill(pipelines(10'000, "0") + runs(10'000, "i + 1", "'k' || i"));
  EXPECT_LE(static_cast<double>(way()), lonely * slack);
  const std::vector<std::string> closed = {"lane"};
  EXPECT_LE(static_cast<double>(way({.lanes = closed})), lonely * slack);
}

TEST_F(CostTest, of_a_run_does_not_grow_with_the_history) {
  const auto lonely = static_cast<double>(lonely_way());
  fill(pipelines(1, "NULL") + runs(200'000, "1", "'k' || (i % 1000)", RunState::succeeded) +
       runs(100'000, "1", "'p' || i", RunState::parked));
  EXPECT_LE(static_cast<double>(way()), lonely * slack);
}

TEST_F(CostTest, of_a_listing_does_not_grow_with_the_history) {
  auto steps_of = [&](const RunFilter& filter) {
    auto& log = static_cast<SqliteRunLog&>(*log_);
    const uint64_t before = log.steps();
    value(log_->list(filter));
    return log.steps() - before;
  };
  fill(pipelines(2, "NULL") + runs(200'000, "1 + i % 2", "'k' || i", RunState::succeeded) +
       runs(100, "1", "'p' || i", RunState::parked));
  const PipelineName p("p0");
  const std::optional<Timestamp> since = Timestamp(std::chrono::microseconds(1000));
  const std::optional<Timestamp> until = Timestamp(std::chrono::microseconds(150'000));
  const ObjectRef object{BucketName("landing"), ObjectKey("k77777")};
  for (const RunFilter& filter : {RunFilter{},
                                  {.pipeline = p},
                                  {.state = RunState::parked},
                                  {.pipeline = p, .state = RunState::parked},
                                  {.since = since, .until = until},
                                  {.pipeline = p, .since = since, .until = until},
                                  {.state = RunState::succeeded, .since = since, .until = until},
                                  {.state = RunState::parked, .since = since},
                                  {.object = object},
                                  {.pipeline = p, .state = RunState::parked, .object = object}}) {
    EXPECT_LE(steps_of(filter), 50u * 60u);
  }
}

}  // namespace
}  // namespace weir::runlog::testing
