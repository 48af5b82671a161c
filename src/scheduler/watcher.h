#pragma once

#include <memory>

#include "base/clock.h"
#include "model/project.h"
#include "objects/file_watch.h"
#include "pipeline/resources.h"
#include "runlog/run_log.h"
#include "scheduler/dispatcher.h"

namespace weir::scheduler {

struct WatcherOptions {
  /// Between reconciling rescans; longer for large buckets, so that they cost at most 0.3 % of a
  /// core.
  std::chrono::milliseconds rescan{30'000};
  objects::ReadEvents read_events = {};  ///< for tests: see FileWatchOptions
};

/// Turns objects that appear or change into runs: inotify for speed, rescans for truth (at start,
/// every `rescan`, after an event overflow). A file is read only when it was closed or renamed into
/// place under inotify, or has rested for the bucket's `settle_ms` since its last change.
class Watcher {
 public:
  virtual ~Watcher() = default;
  /// Returns when the watches stand and what the first scan found is queued.
  virtual Result<void> start() = 0;
  virtual void stop() = 0;
};

std::unique_ptr<Watcher> make_watcher(const Project& project, pipeline::Resources& resources,
                                      runlog::RunLog& log, Dispatcher& dispatcher,
                                      const Clock& clock, WatcherOptions options);

}  // namespace weir::scheduler
