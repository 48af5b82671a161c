#include <gmock/gmock.h>

#include "runlog/run_log_for_test.h"
#include "runlog/run_log_schema.h"
#include "runlog/run_log_sql.h"
#include "runlog/sqlite_connection.h"

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
  for (const std::string& step : plan_of(*connection, sql::queue_lengths)) {
    EXPECT_THAT(step, Not(HasSubstr("TEMP B-TREE")));
    if (!step.starts_with("SEARCH r")) continue;
    EXPECT_THAT(step, HasSubstr("COVERING INDEX"));
  }
}

}  // namespace
}  // namespace weir::runlog::testing
