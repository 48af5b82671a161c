#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "runlog/pipeline_rows.h"
#include "runlog/queue_changes.h"
#include "runlog/run_log_values.h"

namespace weir::runlog {

/// The queue's statements. Each call is made inside a transaction of the caller's, who writes the
/// changes at its end. As thread-safe as the connection: not. What each does: see RunLog.
class RunQueue {
 public:
  RunQueue(SqliteConnection& connection, PipelineRows& pipelines)
      : connection_(connection), pipelines_(pipelines) {}
  /// Once, before anything else.
  Result<void> load();

  Result<RunId> enqueue(const Run& run, QueueChanges& changes);
  Result<std::vector<Run>> lease(size_t limit, Timestamp now, const Closed& closed,
                                 QueueChanges& changes);
  Result<void> set_rules(std::span<const QueueRule> rules, QueueChanges& changes);

  /// Returns the run's number.
  Result<int64_t> finish(const FinishedRun& run, Timestamp now, QueueChanges& changes);
  Result<void> requeue(const RunId& id, QueueChanges& changes);
  /// Returns the run's number.
  Result<int64_t> hold(const RunId& id, Timestamp now, Timestamp not_before, Attempt attempt,
                       QueueChanges& changes);
  /// Whether it was changed.
  Result<bool> retry(const RunId& id, QueueChanges& changes);
  Result<bool> dismiss(const RunId& id, QueueChanges& changes);
  Result<size_t> recover(QueueChanges& changes);

 private:
  /// What is needed of a run to move it from one state to another.
  struct Row {
    int64_t number = 0;
    RunState state = RunState::queued;
    int64_t pipeline = 0;
    std::string bucket, key, trigger;
    int64_t scheduled_us = 0;
  };
  struct Turn {
    int64_t pipeline = 0;
    PipelineName name;
    int64_t top = 0, served = 0;
  };
  struct Leasable {
    int64_t number = 0;
    Run run;
  };

  static Row read_row(const Query& query);
  Result<std::optional<Row>> find(const RunId& id);
  Result<void> release_due(Timestamp now, QueueChanges& changes);
  Result<void> release(const char* statement, Timestamp now, QueueChanges& changes);
  Result<std::optional<Turn>> next_turn(const Closed& closed);
  Result<std::optional<Turn>> next_turn_of_lane(const std::string& lane,
                                                const std::unordered_set<std::string_view>& busy);
  Result<std::vector<Leasable>> ready(int64_t pipeline, bool without_object, size_t limit);
  Result<std::vector<Leasable>> batch_of(int64_t pipeline, size_t limit);
  Result<void> leave_running(const Row& row, QueueChanges& changes);
  Result<void> supersede(const Row& row, QueueChanges& changes);
  Result<bool> is_running(int64_t pipeline, std::string_view bucket, std::string_view key);
  Result<void> block_twins(int64_t pipeline, std::string_view bucket, std::string_view key,
                           bool blocked);

  SqliteConnection& connection_;
  PipelineRows& pipelines_;
  std::set<std::string> lanes_;  // that pipelines are in, perhaps some more
  int64_t served_ = 0;           // grows with every lease
};

}  // namespace weir::runlog
