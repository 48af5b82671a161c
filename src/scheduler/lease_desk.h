#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "runlog/run_log.h"
#include "scheduler/circuit_breaker.h"
#include "scheduler/dice.h"
#include "scheduler/dispatch_rules.h"
#include "scheduler/run_observer.h"
#include "scheduler/turns.h"

namespace weir::scheduler {

/// Where workers get their batches: knows whose turn it is, which databases are down, and when what
/// waits is due. Thread-safe.
class LeaseDesk {
 public:
  struct Options {
    int workers = 1;
    size_t batch = 1;  ///< most runs in one batch
  };
  /// The references must outlive it.
  LeaseDesk(runlog::RunLog& log, const Clock& clock, const DispatchRules& rules, Dice& dice,
            RunObserver& observer, Options options);

  /// Runs of one pipeline, whose turn has begun with it; none when none may begin now.
  Result<std::vector<Run>> take();
  void end_turn(const PipelineName& pipeline);

  /// When to come back although nobody calls: a run held back is due, or a database's probe.
  std::optional<Timestamp> next_look(Timestamp now) const;
  /// A database that is to be probed now, by whoever takes it.
  std::optional<DatabaseName> take_probe();

  /// No batch of a pipeline that needs it is given out from here on, until it is found up.
  void found_down(const DatabaseName& database, const Error& error);
  /// True: it was down, and there may be work for it.
  bool found_up(const DatabaseName& database);
  /// A batch of the pipeline got as far as its databases.
  void worked(const PipelineName& pipeline);

 private:
  size_t share_of(size_t queued) const;
  std::vector<std::string> closed_lanes() const;

  runlog::RunLog& log_;
  const Clock& clock_;
  const DispatchRules& rules_;
  Dice& dice_;
  RunObserver& observer_;
  const Options options_;
  size_t most_at_once_ = 1;  // batches of one pipeline
  std::map<std::string, std::vector<DatabaseName>> lanes_;

  std::mutex taking_;        // one look into the queue at a time; taken before mutex_
  bool rules_told_ = false;  // guarded by taking_

  mutable std::mutex mutex_;  // guards all below
  Turns turns_;
  CircuitBreaker breaker_;
  std::optional<Timestamp> next_held_;
  Timestamp looked_{};  // when next_held_ was looked up
};

}  // namespace weir::scheduler
