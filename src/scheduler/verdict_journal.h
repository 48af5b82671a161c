#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "runlog/run_log.h"
#include "scheduler/verdicts.h"

namespace weir::scheduler {

/// Writes verdicts into the run log. The rows of an ended run are committed, so its verdict has to
/// be written: a full disk is waited out. What could not be written, for weir is stopping, counts
/// as running until the next owner executes it again and the ledger recognises it. Thread-safe.
class VerdictJournal {
 public:
  /// Waits; false when there is no time for it, for weir is stopping.
  using Pause = std::function<bool(std::chrono::milliseconds)>;

  VerdictJournal(runlog::RunLog& log, const Clock& clock, Pause pause)
      : log_(log), clock_(clock), pause_(std::move(pause)) {}

  /// Returns the ended runs that are written down, by their place in `verdicts.ended`.
  std::vector<size_t> write(const Verdicts& verdicts);

 private:
  void write_repeated(const RepeatedRun& run);
  std::vector<size_t> finish(std::span<const EndedRun> ended);
  bool insist(const std::string& what, const std::function<Result<void>()>& write);

  runlog::RunLog& log_;
  const Clock& clock_;
  const Pause pause_;
};

}  // namespace weir::scheduler
