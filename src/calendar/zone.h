#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir::calendar {

using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

/// A stretch of time in which the clocks of a zone keep one offset: from `begin`, before `end`.
struct ZoneSegment {
  sys_seconds begin = sys_seconds::min();
  sys_seconds end = sys_seconds::max();
  seconds offset{0};  ///< local time minus UTC; its size is below 24 h

  local_seconds local(sys_seconds time) const {
    return local_seconds(time.time_since_epoch() + offset);
  }
  sys_seconds instant(local_seconds time) const {
    return sys_seconds(time.time_since_epoch() - offset);
  }
};

/// An IANA time zone. Cheap to copy; immutable, thread-safe. "UTC" needs no zone files.
class Zone {
 public:
  Zone();  ///< UTC

  /// Errors: invalid_project, with a did-you-mean; when no zone is known at all the fix says which
  /// package has them.
  static Result<Zone> find(std::string_view name);

  const std::string& name() const;
  /// Also beyond 2037, where the tables of many zone files end and their last rule goes on.
  ZoneSegment segment_at(sys_seconds time) const;
  local_seconds local(sys_seconds time) const { return segment_at(time).local(time); }

 private:
  struct Data;
  explicit Zone(std::shared_ptr<const Data> data);
  std::shared_ptr<const Data> data_;
};

/// Every name `Zone::find` knows, sorted.
std::vector<std::string> zone_names();

}  // namespace weir::calendar
