#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "runlog/run_log.h"

namespace weir::scheduler {

struct HistoryKeeperOptions {
  std::chrono::milliseconds pause{30'000};  ///< between two looks
  size_t step = 200;                        ///< runs deleted in one transaction
  /// Called after every look, on the keeper's thread, with the number of runs it deleted.
  std::function<void(size_t)> on_look = {};
};

/// Keeps the run log's history within its limits, so that its file stays as large as it is: a
/// thread that looks at the start and then again and again, and deletes in transactions so short
/// that a lease hardly waits. `start` it once; thread-safe.
class HistoryKeeper {
 public:
  virtual ~HistoryKeeper() = default;

  virtual void start() = 0;
  /// Ends it after the transaction it is in. May be called again; its destructor does.
  virtual void stop() = 0;
};

/// The references must outlive the keeper.
std::unique_ptr<HistoryKeeper> make_history_keeper(runlog::RunLog& log, const Clock& clock,
                                                   const runlog::HistoryLimits& limits,
                                                   HistoryKeeperOptions options);

}  // namespace weir::scheduler
