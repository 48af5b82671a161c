#pragma once

#include <chrono>
#include <optional>
#include <unordered_map>
#include <vector>

#include "model/names.h"
#include "model/retry_policy.h"

namespace weir::scheduler {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Runs that wait in memory for their next try, and how often each was tried in vain. One thread.
class HeldRuns {
 public:
  /// After a transient failure: holds the run and returns the delay, or nothing when it has been
  /// retried often enough.
  std::optional<std::chrono::milliseconds> hold_failed(const RunId& id, SteadyTime now,
                                                       const RetryPolicy& policy, double random);
  /// After its input changed under the reader: as often as it takes.
  std::chrono::milliseconds hold_changed(const RunId& id, SteadyTime now);
  /// The run has ended: its count is dropped.
  void forget(const RunId& id) { tries_.erase(id); }

  std::vector<RunId> take_due(SteadyTime now);
  std::vector<RunId> take_all();
  std::optional<SteadyTime> next_due() const;
  bool empty() const { return due_.empty(); }

 private:
  struct Tries {
    int failed = 0;
    int changed = 0;
  };
  std::unordered_map<RunId, Tries> tries_;
  std::unordered_map<RunId, SteadyTime> due_;
};

}  // namespace weir::scheduler
