#include "pipeline/quarantine.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "duckdb/connection.h"
#include "text/json.h"

namespace weir::pipeline {
namespace {

/// How many columns stored_reject_columns has.
constexpr size_t reject_columns_count = 15;

std::string runs_sql(const TargetSql& target) {
  const std::string key = target.identifier("key");
  return fmt::format(
      "SELECT run_id, pipeline, step, table_name, bucket, {}, version, max(CASE WHEN rolled_back "
      "THEN 1 ELSE 0 END), {}, count(*) - count(resolution), count(resolution) "
      "FROM weir_rejects GROUP BY run_id, pipeline, step, table_name, bucket, {}, version",
      key, target.moment_text("max(rejected_at)"), key);
}

RejectedRun parse_run(const DatabaseName& database, const server::Rows& rows, size_t row) {
  RejectedRun run;
  run.database = database;
  run.run = RunId(rows.text(row, 0));
  run.pipeline = PipelineName(rows.text(row, 1));
  run.step = static_cast<int>(rows.int64(row, 2));
  run.table = TableName(rows.text(row, 3));
  if (rows.rows[row][4]) {
    run.object = ObjectRef{BucketName(rows.text(row, 4)), ObjectKey(rows.text(row, 5))};
  }
  run.version = ObjectVersion(rows.text(row, 6));
  run.rolled_back = rows.int64(row, 7) != 0;
  run.rejected_at = rows.text(row, 8);
  run.unresolved = static_cast<uint64_t>(rows.int64(row, 9));
  run.resolved = static_cast<uint64_t>(rows.int64(row, 10));
  return run;
}

Result<std::vector<RejectedRun>> runs_in(Databases& databases, const DatabaseName& name) {
  const Target target = WEIR_TRY(open_target(databases, name));
  const server::Rows rows = WEIR_TRY(target.sql->run(runs_sql(*target.sql)));
  std::vector<RejectedRun> runs;
  for (size_t row = 0; row < rows.size(); ++row) runs.push_back(parse_run(name, rows, row));
  return runs;
}

/// The run that a replay was about; `id` itself when it is none. Databases that cannot be asked
/// are passed over.
Result<std::string> replayed_run(Resources& resources, const std::string& id) {
  for (const DatabaseName& name : resources.databases->names()) {
    const auto target = open_target(*resources.databases, name);
    if (!target) continue;
    const server::Rows rows = WEIR_TRY(target->sql->run(
        fmt::format("SELECT DISTINCT replay_of FROM weir_loads WHERE replay_of IS NOT NULL AND "
                    "substr(run_id, 1, {}) = {}",
                    id.size(), target->sql->literal(id))));
    if (rows.size() == 1) return rows.text(0, 0);
  }
  return id;
}

std::string condition_of(const TargetSql& target, const RunId& run, Rejects which) {
  std::string condition = "r.run_id = " + target.literal(run.value());
  if (which == Rejects::unresolved) condition += " AND r.resolution IS NULL";
  if (which == Rejects::resolved) condition += " AND r.resolution IS NOT NULL";
  return condition;
}

uint64_t count_of(const std::optional<std::string>& cell) {
  return std::stoull(cell.value_or("0"));
}

}  // namespace

Result<void> RejectedRuns::complete() const {
  if (not_asked.empty()) return {};
  Error error = not_asked.begin()->second;
  for (auto at = std::next(not_asked.begin()); at != not_asked.end(); ++at) {
    error.message += "; " + at->second.message;
  }
  error.fix = "rejects that are there are not among these";
  return fail(std::move(error));
}

Result<RejectedRuns> rejected_runs(Resources& resources) {
  RejectedRuns found;
  for (const DatabaseName& name : resources.databases->names()) {
    auto runs = runs_in(*resources.databases, name);
    if (!runs) {
      found.not_asked.emplace(name, std::move(runs).error());
      continue;
    }
    std::ranges::move(*runs, std::back_inserter(found.runs));
  }
  // Ids sort by the time they were made.
  std::ranges::sort(found.runs, std::greater<>(),
                    [](const RejectedRun& run) { return run.run.value(); });
  return found;
}

Result<RejectedRun> find_rejected_run(Resources& resources, const std::string& word) {
  const RejectedRuns all = WEIR_TRY(rejected_runs(resources));
  const std::vector<RejectedRun>& runs = all.runs;
  if (word == "last") {
    // Which is the last one can only be told of all of them.
    WEIR_TRY(all.complete());
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
    WEIR_TRY(all.complete());
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

std::string stored_reject_columns(const TargetSql& target) {
  return "r.reject_id, r.element, r.line, r.byte_begin, r.byte_end, r.problems, r.raw, r.produced, "
         "r.entry_step, r.header, r.mended, r.dictionary_version, r.resolution, " +
         target.moment_text("r.resolved_at") + ", r.resolved_by";
}

Result<StoredReject> parse_stored_reject(std::span<const std::optional<std::string>> cells) {
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

Result<void> for_each_reject(TargetSql& target, const RunId& run, Rejects which,
                             const std::function<Result<bool>(const StoredReject&)>& visit) {
  Result<void> done;
  WEIR_TRY(target.stream(
      fmt::format("SELECT {} FROM weir_rejects r WHERE {} ORDER BY r.element, r.reject_id",
                  stored_reject_columns(target), condition_of(target, run, which)),
      [&](std::span<const server::Cell> cells) {
        const auto go_on = [&]() -> Result<bool> {
          return visit(WEIR_TRY(parse_stored_reject(cells)));
        }();
        if (!go_on) done = fail(go_on.error());
        return go_on && *go_on;
      }));
  return done;
}

Result<std::vector<int>> entry_steps_of(TargetSql& target, const RunId& run, Rejects which) {
  const server::Rows rows = WEIR_TRY(target.run(
      fmt::format("SELECT DISTINCT coalesce(r.entry_step, 0) AS entry FROM weir_rejects r WHERE {} "
                  "ORDER BY entry",
                  condition_of(target, run, which))));
  std::vector<int> steps;
  for (size_t row = 0; row < rows.size(); ++row) {
    steps.push_back(static_cast<int>(rows.int64(row, 0)));
  }
  return steps;
}

Result<void> copy_unresolved(TargetSql& from, const RunId& run, duckdb::Connection& to) {
  // In the order of stored_reject_columns.
  WEIR_TRY(to.run(
      "CREATE OR REPLACE TEMP TABLE weir_rejects (reject_id BIGINT, element BIGINT, line BIGINT, "
      "byte_begin BIGINT, byte_end BIGINT, problems VARCHAR, raw VARCHAR, produced VARCHAR, "
      "entry_step INTEGER, header VARCHAR, mended VARCHAR, dictionary_version VARCHAR, "
      "resolution VARCHAR, resolved_at TIMESTAMPTZ, resolved_by VARCHAR, run_id VARCHAR)"));
  const auto appender = WEIR_TRY(to.appender("temp", "main", "weir_rejects"));
  std::vector<duckdb::Parameter> row;
  Result<void> appended;
  WEIR_TRY(from.stream(
      fmt::format("SELECT {}, r.run_id FROM weir_rejects r WHERE {}", stored_reject_columns(from),
                  condition_of(from, run, Rejects::unresolved)),
      [&](std::span<const server::Cell> cells) {
        row.clear();
        for (const server::Cell& cell : cells) {
          row.push_back(cell ? duckdb::Parameter(*cell) : duckdb::Parameter());
        }
        appended = appender->row(row);
        return appended.has_value();
      }));
  WEIR_TRY(std::move(appended));
  return appender->close();
}

Result<uint64_t> dismiss_rejects(Resources& resources, const RejectedRun& run, Timestamp now) {
  const Target target = WEIR_TRY(open_target(*resources.databases, run.database));
  const server::Rows updated = WEIR_TRY(target.sql->run(
      fmt::format("UPDATE weir_rejects SET resolution = 'dismissed', resolved_at = {} "
                  "WHERE run_id = {} AND resolution IS NULL",
                  target.sql->moment(now), target.sql->literal(run.run.value()))));
  return updated.changed;
}

}  // namespace weir::pipeline
