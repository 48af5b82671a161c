#include "calendar/cron_times.h"

#include <algorithm>
#include <bit>

namespace weir::calendar {
namespace {

namespace chrono = std::chrono;
using chrono::days;
using chrono::local_days;
using chrono::month;
using chrono::year;
using chrono::year_month;
using chrono::year_month_day;

constexpr year first_year{1};
constexpr year last_year{9999};

/// The lowest bit at or above `from`, or -1.
int bit_from(uint64_t bits, int from) {
  const uint64_t left = from > 63 ? 0 : bits & (~uint64_t{0} << from);
  return left == 0 ? -1 : std::countr_zero(left);
}

/// The highest bit at or below `from`, or -1.
int bit_down_from(uint64_t bits, int from) {
  const uint64_t left = from < 0 ? 0 : bits & (~uint64_t{0} >> (63 - from));
  return left == 0 ? -1 : 63 - std::countl_zero(left);
}

seconds time_of_day(int hour, int minute, int second) {
  return seconds(hour * 3600 + minute * 60 + second);
}

/// The first time of day at or after `from`.
std::optional<seconds> next_time(const CronTimes& times, seconds from) {
  int hour = static_cast<int>(from.count() / 3600);
  int minute = static_cast<int>(from.count() / 60 % 60);
  int second = static_cast<int>(from.count() % 60);
  if ((times.hour_bits >> hour & 1) != 0) {
    if ((times.minute_bits >> minute & 1) != 0) {
      const int at = bit_from(times.second_bits, second);
      if (at >= 0) return time_of_day(hour, minute, at);
    }
    minute = bit_from(times.minute_bits, minute + 1);
    if (minute >= 0) return time_of_day(hour, minute, bit_from(times.second_bits, 0));
  }
  hour = bit_from(times.hour_bits, hour + 1);
  if (hour < 0) return std::nullopt;
  return time_of_day(hour, bit_from(times.minute_bits, 0), bit_from(times.second_bits, 0));
}

/// The last time of day at or before `from`.
std::optional<seconds> previous_time(const CronTimes& times, seconds from) {
  int hour = static_cast<int>(from.count() / 3600);
  int minute = static_cast<int>(from.count() / 60 % 60);
  int second = static_cast<int>(from.count() % 60);
  if ((times.hour_bits >> hour & 1) != 0) {
    if ((times.minute_bits >> minute & 1) != 0) {
      const int at = bit_down_from(times.second_bits, second);
      if (at >= 0) return time_of_day(hour, minute, at);
    }
    minute = bit_down_from(times.minute_bits, minute - 1);
    if (minute >= 0) return time_of_day(hour, minute, bit_down_from(times.second_bits, 59));
  }
  hour = bit_down_from(times.hour_bits, hour - 1);
  if (hour < 0) return std::nullopt;
  return time_of_day(hour, bit_down_from(times.minute_bits, 59),
                     bit_down_from(times.second_bits, 59));
}

local_days day_of(year_month of, int day) {
  return local_days(of / chrono::day(static_cast<unsigned>(day)));
}

/// The day of the month that is no Saturday or Sunday and nearest to this one.
int weekday_near(int day, int last, int first_weekday) {
  const int weekday = (first_weekday + day - 1) % 7;
  if (weekday == 6) return day > 1 ? day - 1 : day + 2;
  if (weekday == 0) return day < last ? day + 1 : day - 2;
  return day;
}

uint32_t month_days_of(const MonthDays& named, int last, int first_weekday) {
  uint32_t bits = named.days;
  for (int back = 0; back < last; ++back) {
    if ((named.before_last >> back & 1) != 0) bits |= 1u << (last - back);
  }
  for (int day = 1; day <= last; ++day) {
    if ((named.nearest_weekday >> day & 1) != 0) {
      bits |= 1u << weekday_near(day, last, first_weekday);
    }
  }
  if (named.last_weekday) bits |= 1u << weekday_near(last, last, first_weekday);
  return bits;
}

uint32_t week_days_of(const WeekDays& named, int last, int first_weekday) {
  uint32_t bits = 0;
  for (int day = 1; day <= last; ++day) {
    const int weekday = (first_weekday + day - 1) % 7;
    const size_t nth = static_cast<size_t>((day - 1) / 7 + 1);
    const unsigned hit = named.days >> weekday | named.nth[nth] >> weekday |
                         (day + 7 > last ? named.last >> weekday : 0);
    if ((hit & 1) != 0) bits |= 1u << day;
  }
  return bits;
}

}  // namespace

uint32_t CronTimes::days_of(year_month of) const {
  const int last = static_cast<int>(static_cast<unsigned>((of / chrono::last).day()));
  const int first_weekday = static_cast<int>(chrono::weekday(day_of(of, 1)).c_encoding());
  const uint32_t all = (~uint32_t{0} >> (31 - last)) & ~uint32_t{1};
  const uint32_t by_month = month_days_of(month_days, last, first_weekday) & all;
  const uint32_t by_week = week_days_of(week_days, last, first_weekday);
  const bool either = month_days.restricted && week_days.restricted;
  return either ? by_month | by_week : by_month & by_week;
}

namespace {

/// The first year from `from` on that an expression names; past every year when there is none.
year year_from(const CronTimes& times, year from) {
  if (times.years.empty()) return from;
  const auto at = std::ranges::lower_bound(times.years, static_cast<int>(from));
  return at == times.years.end() ? year::max() : year(*at);
}

/// The last year up to `from`; before every year when there is none.
year year_down_from(const CronTimes& times, year from) {
  if (times.years.empty()) return from;
  const auto after = std::ranges::upper_bound(times.years, static_cast<int>(from));
  return after == times.years.begin() ? year::min() : year(*std::prev(after));
}

/// The first day that matches, from `from` on. With weekdays the calendar repeats after 400 years.
std::optional<local_days> next_day(const CronTimes& times, local_days from) {
  const year_month_day start(from);
  const year over =
      times.years.empty() ? std::min(last_year, start.year() + chrono::years(400)) : last_year;
  year_month at = start.year() / start.month();
  int day = static_cast<int>(static_cast<unsigned>(start.day()));
  while (true) {
    const int in = bit_from(times.month_bits, static_cast<int>(static_cast<unsigned>(at.month())));
    const year named = year_from(times, at.year());
    if (named > over) return std::nullopt;
    if (named != at.year() || in < 0) {
      at = (named != at.year() ? named : named + chrono::years(1)) / chrono::January;
      day = 1;
      continue;
    }
    if (in != static_cast<int>(static_cast<unsigned>(at.month()))) day = 1;
    at = at.year() / month(static_cast<unsigned>(in));
    const int found = bit_from(times.days_of(at), day);
    if (found >= 0) return day_of(at, found);
    at += chrono::months(1);
    day = 1;
  }
}

std::optional<local_days> previous_day(const CronTimes& times, local_days from) {
  const year_month_day start(from);
  const year over =
      times.years.empty() ? std::max(first_year, start.year() - chrono::years(400)) : first_year;
  year_month at = start.year() / start.month();
  int day = static_cast<int>(static_cast<unsigned>(start.day()));
  while (true) {
    const int in =
        bit_down_from(times.month_bits, static_cast<int>(static_cast<unsigned>(at.month())));
    const year named = year_down_from(times, at.year());
    if (named < over) return std::nullopt;
    if (named != at.year() || in < 0) {
      at = (named != at.year() ? named : named - chrono::years(1)) / chrono::December;
      day = 31;
      continue;
    }
    if (in != static_cast<int>(static_cast<unsigned>(at.month()))) day = 31;
    at = at.year() / month(static_cast<unsigned>(in));
    const int found = bit_down_from(times.days_of(at), day);
    if (found >= 0) return day_of(at, found);
    at -= chrono::months(1);
    day = 31;
  }
}

}  // namespace

std::optional<local_seconds> CronTimes::next(local_seconds from) const {
  from = std::max(from, local_seconds(local_days(first_year / 1 / 1)));
  if (from >= local_days((last_year + chrono::years(1)) / 1 / 1)) return std::nullopt;
  const auto today = chrono::floor<days>(from);
  auto day = next_day(*this, today);
  if (day == today) {
    if (const auto time = next_time(*this, from - today)) return today + *time;
    day = next_day(*this, today + days(1));
  }
  if (!day) return std::nullopt;
  return *day + *next_time(*this, seconds(0));
}

std::optional<local_seconds> CronTimes::previous(local_seconds from) const {
  const local_seconds over = local_days((last_year + chrono::years(1)) / 1 / 1);
  from = std::min(from, over - seconds(1));
  if (from < local_days(first_year / 1 / 1)) return std::nullopt;
  const auto today = chrono::floor<days>(from);
  auto day = previous_day(*this, today);
  if (day == today) {
    if (const auto time = previous_time(*this, from - today)) return today + *time;
    day = previous_day(*this, today - days(1));
  }
  if (!day) return std::nullopt;
  return *day + *previous_time(*this, days(1) - seconds(1));
}

}  // namespace weir::calendar
