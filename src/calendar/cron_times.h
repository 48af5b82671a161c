#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir::calendar {

using std::chrono::local_seconds;
using std::chrono::seconds;

/// The days of a month that an expression names, apart from plain numbers.
struct MonthDays {
  uint32_t days = 0;             ///< bit 1..31
  uint32_t before_last = 0;      ///< bit n: n days before the last one (L = bit 0)
  uint32_t nearest_weekday = 0;  ///< bit d: the weekday nearest to the d-th, in the same month
  bool last_weekday = false;     ///< LW
  bool restricted = false;       ///< false: it begins with `*` or is `?`
};

struct WeekDays {
  uint8_t days = 0;                 ///< bit 0 (Sunday) ..6
  uint8_t last = 0;                 ///< bit w: the month's last one
  std::array<uint8_t, 6> nth = {};  ///< [n] bit w: the month's n-th one, 1..5
  bool restricted = false;
};

/// A cron expression as a set of local times, whole seconds of the proleptic calendar. It knows no
/// zone. A plain value.
struct CronTimes {
  uint64_t second_bits = 1;  ///< bit 0..59
  uint64_t minute_bits = 0;  ///< bit 0..59
  uint32_t hour_bits = 0;    ///< bit 0..23
  uint16_t month_bits = 0;   ///< bit 1..12
  MonthDays month_days;
  WeekDays week_days;
  std::vector<int> years;       ///< sorted; empty = every year
  bool wildcard_hours = false;  ///< the hour field begins with `*`

  /// The first of them at or after `from`; none when the years are over, or after year 9999.
  /// Takes the same few microseconds wherever it lies.
  std::optional<local_seconds> next(local_seconds from) const;
  /// The last of them at or before `from`; none before year 1.
  std::optional<local_seconds> previous(local_seconds from) const;

  /// Bit 1..31 for each day of that month. Both fields restricted: a day of either, else of both.
  uint32_t days_of(std::chrono::year_month month) const;
};

}  // namespace weir::calendar
