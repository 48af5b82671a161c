#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "calendar/cron_text.h"
#include "calendar/zone.h"

namespace weir::calendar {

/// When something fires: an expression on the clocks of a zone. Immutable, thread-safe.
///
/// Clocks are changed, so not every local time exists once:
/// - Fixed hours (the hour field does not begin with `*`): it fires when the clock on the wall
///   first reaches or passes a time of the expression. One that is skipped fires at the end of the
///   gap, several of them together; one that is repeated fires the first time only.
/// - Wildcard hours (`*`, `*/n`): it fires whenever the clock on the wall shows a time of the
///   expression: twice in a repeated hour, not at all in a skipped one.
/// - A rate goes by no clock on any wall.
class Schedule {
 public:
  Schedule(CronExpression expression, Zone zone);
  /// Errors: those of parse_cron and Zone::find. An empty zone is UTC.
  static Result<Schedule> parse(std::string_view expression, std::string_view zone);

  /// The first fire after `after`, a whole second; none when there is none up to the year 9999.
  /// Takes microseconds, however far away it is.
  std::optional<Timestamp> next(Timestamp after) const;
  /// The last fire before `before`.
  std::optional<Timestamp> previous(Timestamp before) const;

  const Zone& zone() const { return zone_; }

 private:
  CronExpression expression_;
  Zone zone_;
};

/// The day that is over at `time` on the clocks of `zone`: the day before its local date. What
/// ${run.day} stands for.
std::chrono::sys_days day_closed(const Zone& zone, Timestamp time);

}  // namespace weir::calendar
