// Schedules against the slow model, expression by expression, around every change of clocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "calendar/schedule.h"
#include "calendar/slow_schedule_for_test.h"

namespace weir::calendar {
namespace {

int64_t second_of(int year, unsigned month, unsigned day, int hour = 0) {
  using namespace std::chrono;
  return sys_seconds(sys_days(std::chrono::year(year) / month / day) + hours(hour))
      .time_since_epoch()
      .count();
}

Timestamp timestamp(int64_t second) { return Timestamp(std::chrono::seconds(second)); }
int64_t second_of(Timestamp time) { return time.time_since_epoch().count() / 1'000'000; }

std::vector<int64_t> forwards(const Schedule& schedule, int64_t from, int64_t to) {
  std::vector<int64_t> out;
  auto at = schedule.next(timestamp(from));
  for (; at && second_of(*at) <= to; at = schedule.next(*at)) out.push_back(second_of(*at));
  return out;
}

std::vector<int64_t> backwards(const Schedule& schedule, int64_t from, int64_t to) {
  std::vector<int64_t> out;
  auto at = schedule.previous(timestamp(to + 1));
  for (; at && second_of(*at) > from; at = schedule.previous(*at)) out.push_back(second_of(*at));
  return {out.rbegin(), out.rend()};
}

void compare(const std::string& expression, const std::string& zone, int64_t from, int64_t to) {
  SCOPED_TRACE(expression + " in " + zone + " from " + std::to_string(from));
  const auto schedule = Schedule::parse(expression, zone);
  ASSERT_TRUE(schedule) << schedule.error().to_string();
  const LibraryZone library(zone);
  const std::vector<int64_t> expected = SlowSchedule(expression).fires(from, to);
  ASSERT_EQ(forwards(*schedule, from, to), expected);
  ASSERT_EQ(backwards(*schedule, from, to), expected);
}

struct Window {
  const char* zone;
  int64_t from, to;
};

/// Days around changes of clocks, of many kinds.
std::vector<Window> windows() {
  const auto days = [](const char* zone, int year, unsigned month, unsigned day, int before = 1,
                       int after = 1) {
    const int64_t noon = second_of(year, month, day, 12);
    return Window{zone, noon - before * 86400, noon + after * 86400};
  };
  return {
      days("America/New_York", 2026, 3, 8),
      days("America/New_York", 2026, 11, 1),
      days("America/New_York", 2050, 3, 13),
      days("America/New_York", 2050, 11, 6),
      days("America/Sao_Paulo", 2018, 11, 4),
      days("America/Sao_Paulo", 2018, 2, 18),
      days("Australia/Lord_Howe", 2026, 4, 5),
      days("Australia/Lord_Howe", 2026, 10, 4),
      days("Australia/Lord_Howe", 2045, 4, 2),
      days("Europe/Madrid", 2026, 3, 29),
      days("Europe/Madrid", 2026, 10, 25),
      days("Europe/Dublin", 2041, 3, 31),
      days("Pacific/Apia", 2011, 12, 30),
      days("Africa/Casablanca", 2024, 3, 10),
      days("Africa/Casablanca", 2024, 4, 14),
      days("Asia/Kathmandu", 1986, 1, 1),
      days("America/Caracas", 2016, 5, 1),
      days("Asia/Pyongyang", 2018, 5, 4),
      days("America/Nuuk", 2044, 3, 26),
      days("Africa/Cairo", 2040, 10, 25),
      days("Asia/Gaza", 2060, 3, 27),
      days("Antarctica/Troll", 2040, 3, 25),
      days("Pacific/Chatham", 2042, 9, 28),
      days("Asia/Kolkata", 2026, 6, 1),
      days("America/Argentina/Buenos_Aires", 2008, 12, 31),
  };
}

constexpr const char* expressions[] = {
    "30 2 * * *",     "0 2 * * *",    "*/15 2 * * *",   "0 0 * * *",      "30 0 * * *",
    "45 23 * * *",    "0 1-3 * * *",  "*/20 0-5 * * *", "0 * * * *",      "*/15 * * * *",
    "30 */2 * * *",   "0 3 * * *",    "59 1 * * *",     "15 1,2,3 * * 0", "0 2 1,15 * 0",
    "0 12 */2 * 1-5", "7 0-23 * * *", "* * * * *",      "30 0-2 * * 6,7",
};

TEST(ScheduleModel, every_minute_of_the_days_around_a_change) {
  for (const Window& window : windows()) {
    for (const char* expression : expressions) {
      compare(expression, window.zone, window.from, window.to);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ScheduleModel, seconds_around_a_change) {
  const std::vector<Window> all = windows();
  for (size_t i = 0; i < all.size(); i += 4) {
    const Window& window = all[i];
    const int64_t middle = (window.from + window.to) / 2 - 12 * 3600;
    for (const char* expression : {"*/20 30 2 * * *", "15,45 59 0-2 * * *", "30 */10 * * * *"}) {
      compare(expression, window.zone, middle - 6 * 3600, middle + 14 * 3600);
      if (HasFatalFailure()) return;
    }
  }
}

std::string random_field(std::mt19937& random, int low, int high, bool dense) {
  const auto pick = [&](int from, int to) {
    return std::uniform_int_distribution<int>(from, to)(random);
  };
  const int from = pick(low, high), to = pick(from, high);
  const std::string range = std::to_string(from) + "-" + std::to_string(to);
  switch (pick(0, dense ? 5 : 9)) {
    case 0: return std::to_string(from);
    case 1: return "*/" + std::to_string(pick(1, high - low));
    case 2: return range + "/" + std::to_string(pick(1, std::max(1, to - from)));
    case 3: return range;
    case 4: return std::to_string(from) + "," + std::to_string(pick(low, high));
    default: return "*";
  }
}

TEST(ScheduleModel, random_expressions_and_zones) {
  std::mt19937 random(20261120);
  const std::vector<Window> all = windows();
  for (int round = 0; round < 100; ++round) {
    const std::string expression =
        random_field(random, 0, 59, true) + " " + random_field(random, 0, 23, true) + " " +
        random_field(random, 1, 28, false) + " " + random_field(random, 1, 12, false) + " " +
        random_field(random, 0, 7, false);
    const Window& window = all[random() % all.size()];
    const int64_t shift = static_cast<int64_t>(random() % 86400) / 60 * 60;
    compare(expression, window.zone, window.from - shift, window.to + 6 * 86400);
    if (HasFatalFailure()) return;
  }
}

TEST(ScheduleModel, a_whole_year_of_a_busy_zone) {
  for (const char* expression : {"*/30 1-3 * * 0", "0 */3 29 2 *"}) {
    compare(expression, "America/New_York", second_of(2028, 1, 1), second_of(2029, 1, 1));
  }
}

/// Offsets of every zone there is, against the C library, far into the future.
TEST(ScheduleModel, zones_agree_with_the_c_library) {
  std::mt19937_64 random(4);
  for (const std::string& name : zone_names()) {
    const auto zone = Zone::find(name);
    ASSERT_TRUE(zone) << zone.error().to_string();
    const LibraryZone library(name);
    for (int i = 0; i < 300; ++i) {
      // 1920 to 2100; half of them close to a change.
      int64_t at = static_cast<int64_t>(random() % 5'680'000'000ULL) - 1'578'000'000LL;
      const ZoneSegment segment =
          zone->segment_at(std::chrono::sys_seconds(std::chrono::seconds(at)));
      ASSERT_EQ(segment.offset.count(), LibraryZone::local(at).tm_gmtoff) << name << " " << at;
      ASSERT_LE(segment.begin.time_since_epoch().count(), at);
      ASSERT_GT(segment.end.time_since_epoch().count(), at);
      if (segment.end == std::chrono::sys_seconds::max()) continue;
      at = segment.end.time_since_epoch().count();
      ASSERT_EQ(segment.offset.count(), LibraryZone::local(at - 1).tm_gmtoff) << name << " " << at;
      const ZoneSegment next = zone->segment_at(segment.end);
      ASSERT_EQ(next.offset.count(), LibraryZone::local(at).tm_gmtoff) << name << " " << at;
      ASSERT_EQ(next.begin, segment.end) << name;
    }
  }
}

}  // namespace
}  // namespace weir::calendar
