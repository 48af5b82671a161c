#pragma once

#include <optional>
#include <string_view>

#include "calendar/zone.h"

namespace weir::calendar {

/// The rule at the end of a zone file that goes on for ever after its table, such as
/// "EST5EDT,M3.2.0,M11.1.0" (POSIX TZ, with the hours beyond a day of RFC 8536).
class PosixRule {
 public:
  /// None when the text is no such rule.
  static std::optional<PosixRule> parse(std::string_view text);

  ZoneSegment segment_at(sys_seconds time) const;

 private:
  /// The day of a change, and the seconds after its midnight on the clock before the change.
  struct Change {
    enum class Day { month_week, julian_no_leap, day_of_year } kind = Day::month_week;
    int month = 1, week = 1, weekday = 0;
    int day = 0;
    seconds time{7200};
    std::chrono::sys_days day_in(std::chrono::year year) const;
  };
  class Parser;

  seconds standard_{0};
  seconds summer_{0};
  bool changes_ = false;
  Change begin_, end_;  ///< of summer time
};

}  // namespace weir::calendar
