#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/receipt.h"
#include "pipeline/resources.h"
#include "pipeline/target_sql.h"

namespace weir::pipeline {

/// A run that left rejects, and how many of them wait.
struct RejectedRun {
  DatabaseName database;
  RunId run;
  PipelineName pipeline;
  int step = 0;  ///< its load step
  TableName table;
  std::optional<ObjectRef> object;
  ObjectVersion version;
  bool rolled_back = false;  ///< the run was stopped: none of its rows are in
  std::string rejected_at;
  uint64_t unresolved = 0;
  uint64_t resolved = 0;
};

struct RejectedRuns {
  std::vector<RejectedRun> runs;            ///< the newest first
  std::map<DatabaseName, Error> not_asked;  ///< databases that gave no answer, and why

  /// An error that says whose rejects are missing; none: all are there.
  Result<void> complete() const;
};

/// Every run with rejects, of all databases. Errors: sql.
Result<RejectedRuns> rejected_runs(Resources& resources);

/// The run whose id is or begins with `word` (also the id of a replay of it), or, for `last`, the
/// newest one with unresolved rejects, else with any. Errors: not_found (none left rejects), usage
/// (several), that of a database which could not be asked and may know it.
Result<RejectedRun> find_rejected_run(Resources& resources, const std::string& word);

/// A rejected row as weir_rejects keeps it.
struct StoredReject {
  int64_t id = 0;
  uint64_t element = 0;
  std::optional<uint64_t> line;
  uint64_t byte_begin = 0, byte_end = 0;
  std::vector<Problem> problems;
  std::string raw;
  std::string produced;  ///< empty: the row is the record
  int entry_step = 0;
  std::vector<std::string> header;  ///< of a CSV; empty: none, or not kept
  std::string mended;               ///< the latest mended row, a JSON object; empty: never
  std::string dictionary_version;
  std::string resolution, resolved_at, resolved_by;  ///< empty: unresolved
};

/// "id: 'x' does not fit bigint; name: a value is required"
std::string problem_text(const std::vector<Problem>& problems);

enum class Rejects { unresolved, resolved, all };

/// The columns of StoredReject from weir_rejects, called r; parse_stored_reject reads them.
std::string stored_reject_columns(const TargetSql& target);
Result<StoredReject> parse_stored_reject(std::span<const std::optional<std::string>> cells);

/// Visits the rejects of a run in input order, in bounded memory, until `visit` gives false.
/// `target` is for nothing else meanwhile.
Result<void> for_each_reject(TargetSql& target, const RunId& run, Rejects which,
                             const std::function<Result<bool>(const StoredReject&)>& visit);

/// The steps at which those rejects of a run would go in again, in their order.
Result<std::vector<int>> entry_steps_of(TargetSql& target, const RunId& run, Rejects which);

/// Copies the unresolved rejects of a run into a temporary table weir_rejects of `to`, which has
/// those columns that stored_reject_columns and the choice of rejects need. Bounded memory.
Result<void> copy_unresolved(TargetSql& from, const RunId& run, duckdb::Connection& to);

/// Marks the unresolved rejects of a run as dismissed. Returns how many they were.
Result<uint64_t> dismiss_rejects(Resources& resources, const RejectedRun& run, Timestamp now);

}  // namespace weir::pipeline
