#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/result.h"

namespace weir::scheduler {

/// Something to sleep by that knows that clocks are set.
class Alarm {
 public:
  virtual ~Alarm() = default;

  /// Returns when the clock shows `time` or later, when the clock was set, or when somebody rang;
  /// also now and then for no reason. None: no time of its own. One thread at a time.
  virtual void wait_until(std::optional<Timestamp> time) = 0;
  /// Ends the wait, or the next one when nobody waits. Any thread.
  virtual void ring() = 0;
};

/// On the system's clock: one timer of the kernel, which also goes off when the clock is set and
/// after the machine slept. Errors: io (no descriptor left).
Result<std::unique_ptr<Alarm>> make_system_alarm();

}  // namespace weir::scheduler
