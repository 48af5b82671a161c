#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>

#include "model/receipt.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog {

/// What one transaction does to the queue, and what follows from it: how many runs are in each
/// state, and what is the highest priority that may be leased of each pipeline. Only with the
/// latter can a lease find the pipeline whose turn it is without asking them all.
class QueueChanges {
 public:
  explicit QueueChanges(SqliteConnection& connection) : connection_(connection) {}

  void enter(RunState state, int64_t runs = 1) { delta_[static_cast<size_t>(state)] += runs; }
  void move(RunState from, RunState to, int64_t runs = 1) {
    delta_[static_cast<size_t>(from)] -= runs;
    enter(to, runs);
  }
  /// Something that may be leased of this pipeline came or went.
  void touch(int64_t pipeline) { touched_.insert(pipeline); }

  /// Brings the touched pipelines up to date.
  Result<void> write_tops();
  /// At the transaction's end: everything.
  Result<void> write();

 private:
  Result<std::optional<int64_t>> top_of(int64_t pipeline);
  Result<std::optional<int64_t>> ready_priority(int64_t pipeline, bool without_object);

  SqliteConnection& connection_;
  std::array<int64_t, 7> delta_{};
  std::set<int64_t> touched_;
};

/// Whether a run without an object may be leased of this pipeline, beside those that are running.
Result<bool> may_run_without_object(SqliteConnection& connection, int64_t pipeline);

}  // namespace weir::runlog
