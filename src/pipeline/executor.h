#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/project.h"
#include "model/receipt.h"
#include "model/run.h"
#include "objects/bucket.h"
#include "pipeline/replay_order.h"
#include "pipeline/resources.h"

namespace weir::pipeline {

/// Watched and steered from other threads while a run executes.
struct Progress {
  std::atomic<uint64_t> bytes_read{0};
  std::atomic<uint64_t> bytes_total{0};
  std::atomic<uint64_t> rows_read{0};
  std::atomic<uint64_t> inputs_done{0};  ///< of a plan
  std::atomic<bool> cancel{false};       ///< set: the run rolls back and returns `cancelled`

  /// Sets `cancel`, and interrupts statements at work that would not look at it.
  void stop() {
    cancel = true;
    stop_.request_stop();
  }
  std::stop_token stopped() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
};

/// What became of a run. `requeue`: the input changed while it was read; try again later.
struct RunOutcome {
  Receipt receipt;
  bool requeue = false;
  std::optional<std::chrono::milliseconds> retry_after = {};  ///< no sooner, if it is tried again
  std::optional<objects::ObjectStat> seen;  ///< the object as it was loaded, or found to be in
  uint64_t downloaded_bytes = 0;            ///< of the object that this try has put
  /// This database cannot be reached, for the reason in the receipt: that is not the run's failure.
  std::optional<DatabaseName> down = {};
};

/// Executes runs: reads the input, applies the steps and the contract, commits rows + ledger row +
/// rejects in one transaction of the target database, writes the receipt. Thread-safe: several
/// workers may call at once; loads into one table are serialised inside.
class Executor {
 public:
  virtual ~Executor() = default;

  /// All runs are of one pipeline; small inputs share a transaction. One outcome per run, in
  /// order. Never fails as a whole: errors are in the receipts.
  virtual std::vector<RunOutcome> execute(std::span<const Run> runs, Progress& progress) = 0;

  /// Says what the run with this id is to replay, before it is queued with the replay_trigger. An
  /// order does not outlive the process: a replay that is found after a crash gives the receipt it
  /// had committed, else it fails, and may be asked for again.
  virtual void order_replay(const RunId& replay, ReplayOrder order) = 0;

  /// Opens the database when it is not open. Errors: what keeps runs from loading into it.
  virtual Result<void> reach(const DatabaseName& database) = 0;

  /// Whether this version state of the object is already loaded (no bytes are read when the
  /// ledger has no entry of that size). Errors: not_found, unavailable.
  virtual Result<bool> is_loaded(const PipelineName& pipeline, const ObjectRef& object) = 0;
};

/// `resources` and `project` must outlive the executor.
Result<std::unique_ptr<Executor>> make_executor(const Project& project, Resources& resources,
                                                const Clock& clock);

}  // namespace weir::pipeline
