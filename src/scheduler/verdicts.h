#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "base/clock.h"
#include "pipeline/executor.h"
#include "runlog/run_log.h"
#include "scheduler/dice.h"
#include "scheduler/dispatch_rules.h"

namespace weir::scheduler {

/// What must be told to others because a run ended so; written with the verdict.
using NoticesFor = std::function<std::vector<runlog::Notice>(const Run&, const Receipt&, RunState)>;

/// A run that has ended.
struct EndedRun {
  Run run;
  Receipt receipt;
  runlog::FinishedRun finished;
};

/// A run that is to be tried again.
struct RepeatedRun {
  Run run;
  Error error;
  std::chrono::milliseconds delay{0};
  runlog::Attempt attempt = runlog::Attempt::failed;
  bool down = false;  ///< a database could not be reached
};

/// What one batch comes to.
struct Verdicts {
  std::vector<EndedRun> ended;
  std::vector<RepeatedRun> repeated;
  std::vector<RunId> put_back;            ///< cancelled by a drain: the next owner's work
  std::vector<runlog::KnownObject> read;  ///< neither a rescan nor `weir run` need look again
  std::map<DatabaseName, Error> down;     ///< could not be opened
  bool worked = false;                    ///< at least one run got as far as its database
};

enum class Draining { no, yes };

/// Decides what becomes of executed runs: who has failed for good is parked, who may succeed later
/// is tried again as its pipeline's rules say, who only met a database that is down, or an input
/// that still changes, is tried again without end. Thread-safe.
class Judge {
 public:
  /// The references must outlive it. `notices_for` may be empty.
  Judge(const DispatchRules& rules, const Clock& clock, Dice& dice, NoticesFor notices_for)
      : rules_(rules), clock_(clock), dice_(dice), notices_for_(std::move(notices_for)) {}

  Verdicts judge(std::span<const Run> runs, std::vector<pipeline::RunOutcome> outcomes,
                 Draining draining) const;

 private:
  std::optional<RepeatedRun> repeated(const Run& run, const pipeline::RunOutcome& outcome) const;
  EndedRun ended(const Run& run, Receipt receipt) const;

  const DispatchRules& rules_;
  const Clock& clock_;
  Dice& dice_;
  const NoticesFor notices_for_;
};

}  // namespace weir::scheduler
