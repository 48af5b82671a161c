#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/receipt.h"
#include "pipeline/resources.h"

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

/// Every run with rejects, of all databases, the newest first. Errors: sql, io.
Result<std::vector<RejectedRun>> rejected_runs(Resources& resources);

/// The run whose id is or begins with `word` (also the id of a replay of it), or, for `last`, the
/// newest one with unresolved rejects, else with any. Errors: not_found (none left rejects), usage
/// (several).
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
std::string stored_reject_columns();
Result<StoredReject> parse_stored_reject(const std::vector<std::optional<std::string>>& cells);

/// Visits the rejects of a run in input order, in bounded memory, until `visit` gives false. The
/// connection is for nothing else meanwhile.
Result<void> for_each_reject(duckdb::Connection& connection, const RunId& run, Rejects which,
                             const std::function<Result<bool>(const StoredReject&)>& visit);

/// Marks the unresolved rejects of a run as dismissed. Returns how many they were.
Result<uint64_t> dismiss_rejects(Resources& resources, const RejectedRun& run, Timestamp now);

}  // namespace weir::pipeline
