#include "pipeline/quarantine.h"

#include <fmt/format.h>

#include <algorithm>

#include "duckdb/connection.h"
#include "text/json.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_literal;

constexpr const char* runs_sql =
    "SELECT run_id, pipeline, step, table_name, bucket, key, version, bool_or(rolled_back), "
    "strftime(max(rejected_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ'), "
    "count(*) FILTER (resolution IS NULL), count(resolution) "
    "FROM weir_rejects GROUP BY run_id, pipeline, step, table_name, bucket, key, version";

constexpr const char* reject_columns_sql =
    "r.reject_id, r.element, r.line, r.byte_begin, r.byte_end, r.problems, r.raw, r.produced, "
    "r.entry_step, r.header, r.mended, r.dictionary_version, r.resolution, "
    "strftime(r.resolved_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ'), r.resolved_by";
constexpr size_t reject_columns_count = 15;

RejectedRun parse_run(const DatabaseName& database, const duckdb::Rows& rows, size_t row) {
  RejectedRun run;
  run.database = database;
  run.run = RunId(rows.text(row, 0));
  run.pipeline = PipelineName(rows.text(row, 1));
  run.step = static_cast<int>(rows.int64(row, 2));
  run.table = TableName(rows.text(row, 3));
  if (!rows.is_null(row, 4)) {
    run.object = ObjectRef{BucketName(rows.text(row, 4)), ObjectKey(rows.text(row, 5))};
  }
  run.version = ObjectVersion(rows.text(row, 6));
  run.rolled_back = rows.int64(row, 7) != 0;
  run.rejected_at = rows.text(row, 8);
  run.unresolved = static_cast<uint64_t>(rows.int64(row, 9));
  run.resolved = static_cast<uint64_t>(rows.int64(row, 10));
  return run;
}

/// The run that a replay was about; `id` itself when it is none.
Result<std::string> replayed_run(Resources& resources, const std::string& id) {
  for (const DatabaseName& name : resources.databases->names()) {
    const auto database = WEIR_TRY(resources.databases->open(name));
    const auto connection = WEIR_TRY(database->connect());
    const duckdb::Parameter prefix = id;
    const auto rows = WEIR_TRY(
        connection->run("SELECT DISTINCT replay_of FROM weir_loads WHERE replay_of IS NOT NULL AND "
                        "starts_with(run_id, $1)",
                        {&prefix, 1}));
    if (rows.size() == 1) return rows.text(0, 0);
  }
  return id;
}

uint64_t count_of(const std::optional<std::string>& cell) {
  return std::stoull(cell.value_or("0"));
}

}  // namespace

Result<std::vector<RejectedRun>> rejected_runs(Resources& resources) {
  std::vector<RejectedRun> runs;
  for (const DatabaseName& name : resources.databases->names()) {
    const auto database = WEIR_TRY(resources.databases->open(name));
    const auto connection = WEIR_TRY(database->connect());
    const auto rows = WEIR_TRY(connection->run(runs_sql));
    for (size_t row = 0; row < rows.size(); ++row) runs.push_back(parse_run(name, rows, row));
  }
  // Ids sort by the time they were made.
  std::sort(runs.begin(), runs.end(), [](const RejectedRun& a, const RejectedRun& b) {
    return a.run.value() > b.run.value();
  });
  return runs;
}

Result<RejectedRun> find_rejected_run(Resources& resources, const std::string& word) {
  const auto runs = WEIR_TRY(rejected_runs(resources));
  if (word == "last") {
    if (runs.empty()) return fail(ErrorCode::not_found, "no run has left rejects");
    const auto waiting = std::find_if(runs.begin(), runs.end(),
                                      [](const RejectedRun& run) { return run.unresolved > 0; });
    return waiting == runs.end() ? runs.front() : *waiting;
  }
  const auto find = [&](const std::string& prefix) {
    std::vector<const RejectedRun*> found;
    for (const RejectedRun& run : runs) {
      if (run.run.value() == prefix) return std::vector{&run};
      if (run.run.value().starts_with(prefix)) found.push_back(&run);
    }
    return found;
  };
  auto found = find(word);
  if (found.empty() && !word.empty()) found = find(WEIR_TRY(replayed_run(resources, word)));
  if (found.size() == 1) return *found.front();
  if (found.empty()) {
    return fail(ErrorCode::not_found, "no run '" + word + "' has left rejects",
                "`weir rejects --all` lists those that did");
  }
  return fail(ErrorCode::usage,
              fmt::format("'{}' begins the ids of {} runs with rejects", word, found.size()),
              "give more of it; `weir rejects --all` lists them");
}

std::string problem_text(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += "; ";
    if (!problem.field.empty()) text += problem.field + ": ";
    text += problem.message.empty() ? problem.rule : problem.message;
  }
  return text;
}

std::string stored_reject_columns() { return reject_columns_sql; }

Result<StoredReject> parse_stored_reject(const std::vector<std::optional<std::string>>& cells) {
  if (cells.size() < reject_columns_count) {
    return fail(ErrorCode::internal, "a reject without all of its columns");
  }
  StoredReject reject;
  reject.id = static_cast<int64_t>(count_of(cells[0]));
  reject.element = count_of(cells[1]);
  if (cells[2]) reject.line = count_of(cells[2]);
  reject.byte_begin = count_of(cells[3]);
  reject.byte_end = count_of(cells[4]);
  const auto problems = WEIR_TRY(text::Json::parse(cells[5].value_or("[]")));
  for (const text::Json& problem : problems.as_array()) {
    reject.problems.push_back({problem["field"].as_string(), problem["rule"].as_string(),
                               problem["value"].as_string(), problem["message"].as_string()});
  }
  reject.raw = cells[6].value_or("");
  reject.produced = cells[7].value_or("");
  reject.entry_step = static_cast<int>(count_of(cells[8]));
  const auto header = WEIR_TRY(text::Json::parse(cells[9].value_or("[]")));
  for (const text::Json& name : header.as_array()) reject.header.push_back(name.as_string());
  reject.mended = cells[10].value_or("");
  reject.dictionary_version = cells[11].value_or("");
  reject.resolution = cells[12].value_or("");
  reject.resolved_at = cells[13].value_or("");
  reject.resolved_by = cells[14].value_or("");
  return reject;
}

Result<void> for_each_reject(duckdb::Connection& connection, const RunId& run, Rejects which,
                             const std::function<Result<bool>(const StoredReject&)>& visit) {
  std::string sql = fmt::format("SELECT {} FROM weir_rejects r WHERE r.run_id = {}",
                                stored_reject_columns(), quote_literal(run.value()));
  if (which == Rejects::unresolved) sql += " AND r.resolution IS NULL";
  if (which == Rejects::resolved) sql += " AND r.resolution IS NOT NULL";
  sql += " ORDER BY r.element, r.reject_id";
  Result<void> done;
  const duckdb::RowSink sink{nullptr, [&](const auto& cells) {
                               const auto go_on = [&]() -> Result<bool> {
                                 return visit(WEIR_TRY(parse_stored_reject(cells)));
                               }();
                               if (!go_on) done = fail(go_on.error());
                               return go_on && *go_on;
                             }};
  WEIR_TRY(connection.stream(sql, sink));
  return done;
}

Result<uint64_t> dismiss_rejects(Resources& resources, const RejectedRun& run, Timestamp now) {
  const auto database = WEIR_TRY(resources.databases->open(run.database));
  const auto connection = WEIR_TRY(database->connect());
  const duckdb::Parameter values[] = {run.run.value(),
                                      duckdb::TimestampValue{now.time_since_epoch().count()}};
  const auto updated =
      WEIR_TRY(connection->run("UPDATE weir_rejects SET resolution = 'dismissed', resolved_at = $2 "
                               "WHERE run_id = $1 AND resolution IS NULL",
                               values));
  return static_cast<uint64_t>(updated.changed());
}

}  // namespace weir::pipeline
