#include "runlog/run_history.h"

#include <algorithm>
#include <limits>

#include "base/redaction.h"
#include "runlog/pipeline_rows.h"
#include "runlog/queue_changes.h"
#include "runlog/run_log_sql.h"
#include "runlog/run_rows.h"
#include "text/redacted_json.h"

namespace weir::runlog {
namespace {

int64_t sqlite_limit(size_t limit) {
  return static_cast<int64_t>(std::min<size_t>(limit, std::numeric_limits<int64_t>::max()));
}

/// The statement that lists what the filter wants; its values are bound in the same order.
std::string list_statement(const RunFilter& filter) {
  std::string text = sql::select_runs;
  const char* separator = " WHERE ";
  const auto require = [&](bool wanted, const char* condition) {
    if (!wanted) return;
    text += separator;
    text += condition;
    separator = " AND ";
  };
  const bool object = filter.object.has_value();
  require(filter.pipeline.has_value(),
          object ? sql::where_pipeline_of_object : sql::where_pipeline);
  require(filter.state.has_value(), object ? sql::where_state_of_object : sql::where_state);
  require(object, sql::where_object);
  require(filter.since.has_value(), sql::where_since);
  require(filter.until.has_value(), sql::where_until);
  return text + sql::newest_first;
}

Result<uint64_t> finished_runs(SqliteConnection& connection) {
  uint64_t runs = 0;
  for (const RunState state :
       {RunState::succeeded, RunState::partial, RunState::failed, RunState::skipped}) {
    runs += WEIR_TRY(count_runs(connection, state));
  }
  return runs;
}

Result<std::vector<LogLine>> read_lines(Query& query) {
  std::vector<LogLine> lines;
  while (WEIR_TRY(query.next())) {
    LogLine& line = lines.emplace_back();
    line.line = query.integer(0);
    line.time = to_time(query.integer(1));
    line.level = query.text(2);
    line.message = query.text(3);
    line.fields = query.text(4);
    line.run = RunId(std::string(query.text(5)));
  }
  return lines;
}

}  // namespace

Result<std::optional<Run>> find_run(SqliteConnection& connection, const RunId& id) {
  Query query = WEIR_TRY(connection.query(std::string(sql::select_runs) + sql::where_id));
  query.bind(id.value());
  if (!WEIR_TRY(query.next())) return std::nullopt;
  return read_run(query);
}

Result<std::vector<Run>> list_runs(SqliteConnection& connection, const RunFilter& filter) {
  std::vector<Run> runs;
  std::optional<int64_t> pipeline;
  if (filter.pipeline) {
    pipeline = WEIR_TRY(PipelineRows::find(connection, *filter.pipeline));
    if (!pipeline) return runs;
  }
  Query query = WEIR_TRY(connection.query(list_statement(filter)));
  if (pipeline) query.bind(*pipeline);
  if (filter.state) query.bind(to_integer(*filter.state));
  if (filter.object) query.bind(bucket_of(filter.object)).bind(key_of(filter.object));
  if (filter.since) query.bind(to_integer(*filter.since));
  if (filter.until) query.bind(to_integer(*filter.until));
  query.bind(sqlite_limit(filter.limit));
  while (WEIR_TRY(query.next())) runs.push_back(read_run(query));
  return runs;
}

Result<size_t> count_runs(SqliteConnection& connection, RunState state) {
  Query query = WEIR_TRY(connection.query(sql::count_state));
  query.bind(to_integer(state));
  if (!WEIR_TRY(query.next())) return fail(ErrorCode::internal, "run log: a state has no count");
  return static_cast<size_t>(query.integer(0));
}

Result<std::vector<QueueLength>> queue_lengths(SqliteConnection& connection) {
  std::vector<QueueLength> lengths;
  Query query = WEIR_TRY(connection.query(sql::queue_lengths));
  const auto count = [&query](int column) { return static_cast<size_t>(query.integer(column)); };
  while (WEIR_TRY(query.next())) {
    const QueueLength length{PipelineName(std::string(query.text(0))), count(1), count(2),
                             count(3)};
    if (length.queued + length.running + length.parked > 0) lengths.push_back(length);
  }
  return lengths;
}

Result<Waiting> waiting(SqliteConnection& connection) {
  Query query = WEIR_TRY(connection.query(sql::waiting));
  if (!WEIR_TRY(query.next())) return Waiting{};
  return Waiting{static_cast<size_t>(query.integer(0)), static_cast<size_t>(query.integer(1))};
}

Result<size_t> prune_runs(SqliteConnection& connection, const HistoryLimits& limits, Timestamp now,
                          size_t at_most) {
  const uint64_t finished = WEIR_TRY(finished_runs(connection));
  const uint64_t excess = finished > limits.runs ? finished - limits.runs : 0;
  const int64_t oldest_us = to_integer(now - limits.keep);
  struct Doomed {
    int64_t number;
    RunState state;
  };
  std::vector<Doomed> doomed;
  {
    Query query = WEIR_TRY(connection.query(sql::prunable));
    query.bind(sqlite_limit(at_most));
    while (WEIR_TRY(query.next())) {
      if (doomed.size() >= excess && query.integer(2) >= oldest_us) break;
      doomed.push_back({query.integer(0), static_cast<RunState>(query.integer(1))});
    }
  }
  QueueChanges changes(connection);
  for (const Doomed& run : doomed) {
    WEIR_TRY(connection.run(sql::delete_receipt, run.number));
    WEIR_TRY(connection.run(sql::delete_log_lines, run.number));
    WEIR_TRY(connection.run(sql::delete_run, run.number));
    changes.enter(run.state, -1);
  }
  WEIR_TRY(changes.write());
  return doomed.size();
}

Result<void> add_log_line(SqliteConnection& connection, int64_t number, const LogLine& line) {
  return connection.run(sql::insert_log_line, number, to_integer(line.time), line.level,
                        redact(line.message), text::redacted_json(line.fields));
}

Result<void> add_log_line(SqliteConnection& connection, const RunId& id, const LogLine& line) {
  int64_t number = 0;
  {
    Query query = WEIR_TRY(connection.query(sql::find_number));
    query.bind(id.value());
    if (!WEIR_TRY(query.next())) {
      return fail(ErrorCode::not_found, "there is no run " + id.value());
    }
    number = query.integer(0);
  }
  return add_log_line(connection, number, line);
}

Result<std::vector<LogLine>> log_lines_of(SqliteConnection& connection, const RunId& id,
                                          int64_t after, size_t limit) {
  Query query = WEIR_TRY(connection.query(sql::log_lines_of_run));
  query.bind(id.value()).bind(after).bind(sqlite_limit(limit));
  return read_lines(query);
}

Result<std::vector<LogLine>> all_log_lines(SqliteConnection& connection, int64_t after,
                                           size_t limit) {
  Query query = WEIR_TRY(connection.query(sql::all_log_lines));
  query.bind(after).bind(sqlite_limit(limit));
  return read_lines(query);
}

Result<std::vector<LogLine>> newest_log_lines(SqliteConnection& connection, size_t limit) {
  Query query = WEIR_TRY(connection.query(sql::newest_log_lines));
  query.bind(sqlite_limit(limit));
  auto lines = WEIR_TRY(read_lines(query));
  std::ranges::reverse(lines);
  return lines;
}

}  // namespace weir::runlog
