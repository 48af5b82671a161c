#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runlog/run_log_values.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog {

// What became of runs. What each does: see RunLog; the connection's owner holds its mutex, and a
// transaction where rows are written.

Result<std::optional<Run>> find_run(SqliteConnection& connection, const RunId& id);
Result<std::vector<Run>> list_runs(SqliteConnection& connection, const RunFilter& filter);
Result<size_t> count_runs(SqliteConnection& connection, RunState state);
Result<std::vector<QueueLength>> queue_lengths(SqliteConnection& connection);
Result<Waiting> waiting(SqliteConnection& connection);
Result<size_t> prune_runs(SqliteConnection& connection, const HistoryLimits& limits, Timestamp now,
                          size_t at_most);

/// `number` is the run's row.
Result<void> add_log_line(SqliteConnection& connection, int64_t number, const LogLine& line);
Result<void> add_log_line(SqliteConnection& connection, const RunId& id, const LogLine& line);
Result<std::vector<LogLine>> log_lines_of(SqliteConnection& connection, const RunId& id,
                                          int64_t after, size_t limit);
Result<std::vector<LogLine>> all_log_lines(SqliteConnection& connection, int64_t after,
                                           size_t limit);
Result<std::vector<LogLine>> newest_log_lines(SqliteConnection& connection, size_t limit);

}  // namespace weir::runlog
