#include "calendar/schedule.h"

#include <algorithm>

namespace weir::calendar {
namespace {

using std::chrono::days;
using std::chrono::hours;

/// No two clocks on earth, nor one before and after it is set, are further apart.
constexpr hours far_apart{48};

/// The latest local time that the zone's clocks have shown up to `time`, included.
local_seconds latest_shown(const Zone& zone, sys_seconds time) {
  const ZoneSegment now = zone.segment_at(time);
  local_seconds latest = now.local(time);
  for (sys_seconds begin = now.begin; begin > time - far_apart && begin != sys_seconds::min();) {
    const ZoneSegment before = zone.segment_at(begin - seconds(1));
    latest = std::max(latest, before.local(begin - seconds(1)));
    begin = before.begin;
  }
  return latest;
}

/// When the zone's clocks first show `time`, or a later one.
sys_seconds first_reached(const Zone& zone, local_seconds time) {
  const sys_seconds early(time.time_since_epoch() - far_apart);
  for (ZoneSegment segment = zone.segment_at(early);; segment = zone.segment_at(segment.end)) {
    if (segment.begin > early && segment.local(segment.begin) >= time) return segment.begin;
    if (segment.end == sys_seconds::max() || time < segment.local(segment.end)) {
      return segment.instant(time);
    }
  }
}

std::optional<sys_seconds> reached(const Zone& zone, const std::optional<local_seconds>& time) {
  if (!time) return std::nullopt;
  return first_reached(zone, *time);
}

/// The first instant from `from` on at which the clocks show one of the times.
std::optional<sys_seconds> next_shown(const CronTimes& times, const Zone& zone, sys_seconds from) {
  while (true) {
    const ZoneSegment segment = zone.segment_at(from);
    if (const auto time = times.next(segment.local(from))) {
      const sys_seconds instant = segment.instant(*time);
      if (instant < segment.end) return instant;
    }
    if (segment.end == sys_seconds::max()) return std::nullopt;
    // Nothing near on any clock: no change of clocks before it matters.
    const auto far = times.next(segment.local(from) - far_apart);
    if (!far) return std::nullopt;
    const bool skips = *far > segment.local(from) + 2 * far_apart;
    from = skips ? std::max(segment.end, sys_seconds(far->time_since_epoch() - far_apart))
                 : segment.end;
  }
}

/// The last instant up to `from` at which the clocks show one of the times.
std::optional<sys_seconds> previous_shown(const CronTimes& times, const Zone& zone,
                                          sys_seconds from) {
  while (true) {
    const ZoneSegment segment = zone.segment_at(from);
    if (const auto time = times.previous(segment.local(from))) {
      const sys_seconds instant = segment.instant(*time);
      if (instant >= segment.begin) return instant;
    }
    if (segment.begin == sys_seconds::min()) return std::nullopt;
    const auto far = times.previous(segment.local(from) + far_apart);
    if (!far) return std::nullopt;
    const bool skips = *far < segment.local(from) - 2 * far_apart;
    const sys_seconds before = segment.begin - seconds(1);
    from = skips ? std::min(before, sys_seconds(far->time_since_epoch() + far_apart)) : before;
  }
}

/// Calendars end; times near the ends of the type would overflow in what is added to them.
sys_seconds within_calendar(sys_seconds time) {
  static constexpr sys_seconds first = std::chrono::sys_days(std::chrono::year(-100) / 1 / 1);
  static constexpr sys_seconds last = std::chrono::sys_days(std::chrono::year(10001) / 1 / 1);
  return std::clamp(time, first, last);
}

sys_seconds last_multiple(seconds period, sys_seconds time) {
  const seconds since = time.time_since_epoch();
  const seconds rest = (since % period + period) % period;
  return sys_seconds(since - rest);
}

}  // namespace

Schedule::Schedule(CronExpression expression, Zone zone)
    : expression_(std::move(expression)), zone_(std::move(zone)) {}

Result<Schedule> Schedule::parse(std::string_view expression, std::string_view zone) {
  auto parsed = WEIR_TRY(parse_cron(expression));
  return Schedule(std::move(parsed), zone.empty() ? Zone() : WEIR_TRY(Zone::find(zone)));
}

std::optional<Timestamp> Schedule::next(Timestamp after) const {
  const sys_seconds last = within_calendar(std::chrono::floor<seconds>(after));
  if (const auto* rate = std::get_if<Rate>(&expression_)) {
    return last_multiple(rate->period, last) + rate->period;
  }
  const CronTimes& times = std::get<CronTimes>(expression_);
  if (times.wildcard_hours) return next_shown(times, zone_, last + seconds(1));
  return reached(zone_, times.next(latest_shown(zone_, last) + seconds(1)));
}

std::optional<Timestamp> Schedule::previous(Timestamp before) const {
  const sys_seconds last = within_calendar(std::chrono::ceil<seconds>(before)) - seconds(1);
  if (const auto* rate = std::get_if<Rate>(&expression_)) return last_multiple(rate->period, last);
  const CronTimes& times = std::get<CronTimes>(expression_);
  if (times.wildcard_hours) return previous_shown(times, zone_, last);
  return reached(zone_, times.previous(latest_shown(zone_, last)));
}

std::chrono::sys_days day_closed(const Zone& zone, Timestamp time) {
  const local_seconds local = zone.local(within_calendar(std::chrono::floor<seconds>(time)));
  return std::chrono::sys_days(std::chrono::floor<days>(local).time_since_epoch()) - days(1);
}

}  // namespace weir::calendar
