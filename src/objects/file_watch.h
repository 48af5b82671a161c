#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/names.h"

namespace weir::objects {

/// What a watch reports, from its own thread. The callbacks must not stop the watch.
struct FileWatchEvents {
  /// These objects are complete: closed by their writer, renamed, linked or moved into place. Each
  /// key once per call, in order of arrival.
  std::function<void(const std::vector<ObjectKey>&)> arrived;
  /// These appeared, and neither an event nor the kernel can tell whether somebody still writes
  /// them: look again when they have rested.
  std::function<void(const std::vector<ObjectKey>&)> unsettled;
  /// Events were lost, or the folder was replaced: only a listing knows the truth now.
  std::function<void()> lost;
};

/// Stands in for ::read on the inotify descriptor, so that tests can lose events.
using ReadEvents = std::function<ssize_t(int descriptor, char* buffer, size_t capacity)>;

struct FileWatchOptions {
  ReadEvents read_events;  ///< empty: ::read
};

/// Watches a folder tree with inotify for keys that match one of the patterns (see KeyPattern);
/// folders the patterns do not reach are not watched. One thread, asleep while nothing happens.
class FileWatch {
 public:
  /// Returns when every folder there is has its watch: what arrives later is reported, what was
  /// there before is not. Errors: not_found, io (the folder); busy when the system allows no
  /// further inotify instance.
  static Result<std::unique_ptr<FileWatch>> start(const std::string& folder,
                                                  const std::vector<std::string>& patterns,
                                                  FileWatchEvents events,
                                                  FileWatchOptions options = {});
  /// Stops, and waits for a running callback.
  virtual ~FileWatch() = default;

  /// False when the system's limit of watches left folders unwatched: rescan them.
  virtual bool complete() const = 0;
};

}  // namespace weir::objects
