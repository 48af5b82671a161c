// Tables of (expression, zone, from → next fires), each line written from the published rule.
#include "calendar/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iomanip>
#include <sstream>

namespace weir::calendar {
namespace {

using testing::HasSubstr;

Timestamp time_of(std::string text) {
  if (text.size() == 10) text += "T00:00:00Z";
  if (text.size() == 17) text.insert(16, ":00");
  std::tm parts{};
  std::istringstream in(text);
  in >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%SZ");
  EXPECT_FALSE(in.fail()) << text;
  return Timestamp(std::chrono::seconds(timegm(&parts)));
}

std::string text_of(const std::optional<Timestamp>& time) {
  if (!time) return "never";
  std::string text = format_timestamp(*time);
  EXPECT_EQ(text.substr(19), ".000000Z");
  return text.substr(0, 19) + "Z";
}

struct Line {
  const char* expression;
  const char* zone;
  const char* from;                ///< the fires are later
  std::vector<const char*> fires;  ///< UTC; "never" ends it
};

void check(const Line& line) {
  SCOPED_TRACE(std::string(line.expression) + " | " + line.zone + " | " + line.from);
  const auto schedule = Schedule::parse(line.expression, line.zone);
  ASSERT_TRUE(schedule) << schedule.error().to_string();
  std::optional<Timestamp> at = time_of(line.from);
  std::optional<Timestamp> before = at;
  for (const char* expected : line.fires) {
    at = schedule->next(*at);
    if (std::string(expected) == "never") {
      ASSERT_EQ(text_of(at), "never");
      return;
    }
    ASSERT_EQ(text_of(at), text_of(time_of(expected)));
    // And backwards: the same fire, and none between it and the one before.
    ASSERT_EQ(schedule->previous(*at + std::chrono::seconds(1)), at);
    const auto back = schedule->previous(*at);
    ASSERT_TRUE(!back || *back <= *before) << text_of(back);
    before = at;
  }
}

void check_all(const std::vector<Line>& lines) {
  for (const Line& line : lines) check(line);
}

TEST(Schedule, fields) {
  check_all({
      {"5 0 * * *", "UTC", "2026-11-20T12:00Z", {"2026-11-21T00:05Z", "2026-11-22T00:05Z"}},
      {"5 0 * * *", "UTC", "2026-11-20T00:05Z", {"2026-11-21T00:05Z"}},
      {"5 0 * * *", "UTC", "2026-11-20T00:04:59Z", {"2026-11-20T00:05Z"}},
      {"*/20 9-10 * * *",
       "UTC",
       "2026-11-20T09:25Z",
       {"2026-11-20T09:40Z", "2026-11-20T10:00Z", "2026-11-20T10:20Z", "2026-11-20T10:40Z",
        "2026-11-21T09:00Z"}},
      {"10-30/10,45 3 * * *",
       "UTC",
       "2026-11-20",
       {"2026-11-20T03:10Z", "2026-11-20T03:20Z", "2026-11-20T03:30Z", "2026-11-20T03:45Z",
        "2026-11-21T03:10Z"}},
      {"*/30 * * * * *",
       "UTC",
       "2026-12-31T23:59:10Z",
       {"2026-12-31T23:59:30Z", "2027-01-01", "2027-01-01T00:00:30Z"}},
      {"0 9 * * MON-FRI", "UTC", "2026-11-20T09:00Z", {"2026-11-23T09:00Z", "2026-11-24T09:00Z"}},
      {"0 9 * * sat-sun",
       "UTC",
       "2026-11-20T09:00Z",
       {"2026-11-21T09:00Z", "2026-11-22T09:00Z", "2026-11-28T09:00Z"}},
      {"0 9 * * 5-7",
       "UTC",
       "2026-11-20T09:00Z",
       {"2026-11-21T09:00Z", "2026-11-22T09:00Z", "2026-11-27T09:00Z"}},
      {"0 0 1 jan,JUL *", "UTC", "2026-11-20", {"2027-01-01", "2027-07-01"}},
      {"  0\t0  1 */6 * ", "UTC", "2026-11-20", {"2027-01-01", "2027-07-01"}},
      {"59 59 23 31 12 *", "UTC", "2026-11-20", {"2026-12-31T23:59:59Z", "2027-12-31T23:59:59Z"}},
  });
}

TEST(Schedule, day_of_month_or_day_of_week) {
  check_all({
      // Both restricted: either. The 13th, and every Friday.
      {"0 0 13 * FRI",
       "UTC",
       "2026-11-01",
       {"2026-11-06", "2026-11-13", "2026-11-20", "2026-11-27", "2026-12-04", "2026-12-11",
        "2026-12-13"}},
      // A field that begins with * does not restrict: both must match. Odd days that are Mondays.
      {"0 0 */2 * MON", "UTC", "2026-11-01", {"2026-11-09", "2026-11-23", "2026-12-07"}},
      {"0 0 31 * *", "UTC", "2026-01-31", {"2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31"}},
  });
}

TEST(Schedule, macros) {
  check_all({
      {"@hourly", "UTC", "2026-11-20T10:30Z", {"2026-11-20T11:00Z", "2026-11-20T12:00Z"}},
      {"@daily", "UTC", "2026-11-20T10:30Z", {"2026-11-21"}},
      {"@Midnight", "Europe/Madrid", "2026-11-20T10:30Z", {"2026-11-20T23:00Z"}},
      {"@weekly", "UTC", "2026-11-20", {"2026-11-22", "2026-11-29"}},
      {"@monthly", "UTC", "2026-11-20", {"2026-12-01", "2027-01-01"}},
      {"@yearly", "UTC", "2026-11-20", {"2027-01-01", "2028-01-01"}},
      {"@annually", "UTC", "2026-11-20", {"2027-01-01"}},
  });
}

TEST(Schedule, leap_days_and_far_away_ones) {
  check_all({
      {"0 0 29 2 *", "UTC", "2026-11-20", {"2028-02-29", "2032-02-29", "2036-02-29"}},
      {"0 0 29 2 *", "UTC", "2096-02-29", {"2104-02-29"}},
      // On a Sunday: every 28 years, 40 across 2100.
      {"0 0 29 2 */7",
       "UTC",
       "2026-11-20",
       {"2032-02-29", "2060-02-29", "2088-02-29", "2128-02-29"}},
      {"0 12 29 2 */7",
       "America/New_York",
       "2026-11-20",
       {"2032-02-29T17:00Z", "2060-02-29T17:00Z"}},
      {"0 * 29 2 */7",
       "America/New_York",
       "2033-01-01",
       {"2060-02-29T05:00Z", "2060-02-29T06:00Z"}},
      {"cron(0 0 1 1 ? 2199)", "Europe/Madrid", "2026-11-20", {"2198-12-31T23:00Z", "never"}},
      {"cron(0 * 1 1 ? 2150)", "America/New_York", "2026-11-20", {"2150-01-01T05:00Z"}},
      {"0 0 31 12 *", "UTC", "9999-12-30", {"9999-12-31", "never"}},
      {"cron(0 0 1 1 ? 2020-2022)", "UTC", "2026-11-20", {"never"}},
  });
}

TEST(Schedule, new_york_both_days) {
  check_all({
      // 2026-03-08: 02:00 EST becomes 03:00 EDT (07:00Z). What is skipped fires at the gap's end.
      {"30 2 * * *",
       "America/New_York",
       "2026-03-07T00:00Z",
       {"2026-03-07T07:30Z", "2026-03-08T07:00Z", "2026-03-09T06:30Z"}},
      {"*/15 2 * * *",
       "America/New_York",
       "2026-03-07T07:45Z",
       {"2026-03-08T07:00Z", "2026-03-09T06:00Z", "2026-03-09T06:15Z"}},
      {"0 2,3 * * *",
       "America/New_York",
       "2026-03-07T12:00Z",
       {"2026-03-08T07:00Z", "2026-03-09T06:00Z", "2026-03-09T07:00Z"}},
      {"30 1-3 * * *",
       "America/New_York",
       "2026-03-08T00:00Z",
       {"2026-03-08T06:30Z", "2026-03-08T07:00Z", "2026-03-08T07:30Z", "2026-03-09T05:30Z"}},
      // Wildcard hours skip what does not exist.
      {"30 * * * *",
       "America/New_York",
       "2026-03-08T05:45Z",
       {"2026-03-08T06:30Z", "2026-03-08T07:30Z", "2026-03-08T08:30Z"}},
      {"30 */2 * * *",
       "America/New_York",
       "2026-03-08T05:00Z",
       {"2026-03-08T05:30Z", "2026-03-08T08:30Z"}},
      // 2026-11-01: 02:00 EDT becomes 01:00 EST (06:00Z). What is repeated fires the first time.
      {"30 1 * * *",
       "America/New_York",
       "2026-10-31T12:00Z",
       {"2026-11-01T05:30Z", "2026-11-02T06:30Z"}},
      {"30 1 * * *", "America/New_York", "2026-11-01T05:45Z", {"2026-11-02T06:30Z"}},
      {"*/30 1 * * *",
       "America/New_York",
       "2026-10-31T12:00Z",
       {"2026-11-01T05:00Z", "2026-11-01T05:30Z", "2026-11-02T06:00Z"}},
      {"0 2 * * *",
       "America/New_York",
       "2026-10-31T12:00Z",
       {"2026-11-01T07:00Z", "2026-11-02T07:00Z"}},
      // Wildcard hours fire in both.
      {"30 * * * *",
       "America/New_York",
       "2026-11-01T04:45Z",
       {"2026-11-01T05:30Z", "2026-11-01T06:30Z", "2026-11-01T07:30Z"}},
      {"0 0-23 * * *",
       "America/New_York",
       "2026-11-01T04:30Z",
       {"2026-11-01T05:00Z", "2026-11-01T07:00Z"}},
      {"cron(30 2 * * ? *)",
       "America/New_York",
       "2026-03-07T12:00Z",
       {"2026-03-08T07:00Z", "2026-03-09T06:30Z"}},
      // Beyond the tables of zone files, which end in 2037.
      {"30 2 * * *",
       "America/New_York",
       "2050-03-12T12:00Z",
       {"2050-03-13T07:00Z", "2050-03-14T06:30Z"}},
  });
}

TEST(Schedule, sao_paulo_has_no_midnight_on_2018_11_04) {
  check_all({
      {"0 0 * * *",
       "America/Sao_Paulo",
       "2018-11-02T12:00Z",
       {"2018-11-03T03:00Z", "2018-11-04T03:00Z", "2018-11-05T02:00Z"}},
      {"30 0 * * *",
       "America/Sao_Paulo",
       "2018-11-03T12:00Z",
       {"2018-11-04T03:00Z", "2018-11-05T02:30Z"}},
      {"0 0,1 * * *",
       "America/Sao_Paulo",
       "2018-11-03T12:00Z",
       {"2018-11-04T03:00Z", "2018-11-05T02:00Z", "2018-11-05T03:00Z"}},
      {"0 */6 * * *",
       "America/Sao_Paulo",
       "2018-11-03T12:00Z",
       {"2018-11-03T15:00Z", "2018-11-03T21:00Z", "2018-11-04T08:00Z"}},
      // 2018-02-18 00:00 becomes 2018-02-17 23:00 again.
      {"30 23 * * *",
       "America/Sao_Paulo",
       "2018-02-17T12:00Z",
       {"2018-02-18T01:30Z", "2018-02-19T02:30Z"}},
      {"0 0 * * *",
       "America/Sao_Paulo",
       "2018-02-17T12:00Z",
       {"2018-02-18T03:00Z", "2018-02-19T03:00Z"}},
  });
}

TEST(Schedule, lord_howe_moves_by_half_an_hour) {
  check_all({
      // 2026-10-04: 02:00 (+10:30) becomes 02:30 (+11), at 2026-10-03T15:30Z.
      {"15 2 * * *",
       "Australia/Lord_Howe",
       "2026-10-03T00:00Z",
       {"2026-10-03T15:30Z", "2026-10-04T15:15Z"}},
      {"45 2 * * *",
       "Australia/Lord_Howe",
       "2026-10-03T00:00Z",
       {"2026-10-03T15:45Z", "2026-10-04T15:45Z"}},
      {"15 * * * *",
       "Australia/Lord_Howe",
       "2026-10-03T14:00Z",
       {"2026-10-03T14:45Z", "2026-10-03T16:15Z"}},
      // 2026-04-05: 02:00 (+11) becomes 01:30 (+10:30), at 2026-04-04T15:00Z.
      {"45 1 * * *",
       "Australia/Lord_Howe",
       "2026-04-04T00:00Z",
       {"2026-04-04T14:45Z", "2026-04-05T15:15Z"}},
      {"*/15 * * * *",
       "Australia/Lord_Howe",
       "2026-04-04T14:40Z",
       {"2026-04-04T14:45Z", "2026-04-04T15:00Z", "2026-04-04T15:15Z", "2026-04-04T15:30Z"}},
  });
}

TEST(Schedule, apia_has_no_2011_12_30) {
  check_all({
      {"0 12 * * *",
       "Pacific/Apia",
       "2011-12-29T12:00Z",
       {"2011-12-29T22:00Z", "2011-12-30T10:00Z", "2011-12-30T22:00Z"}},
      {"0 12 30 12 *", "Pacific/Apia", "2011-01-01", {"2011-12-30T10:00Z", "2012-12-29T22:00Z"}},
  });
}

TEST(Schedule, aws) {
  check_all({
      {"cron(0 10 * * ? *)", "UTC", "2026-11-20T12:00Z", {"2026-11-21T10:00Z"}},
      {"cron(15 12 ? * * *)", "UTC", "2026-11-20T12:00Z", {"2026-11-20T12:15Z"}},
      {"cron(0 18 ? * MON-FRI *)", "UTC", "2026-11-20T18:00Z", {"2026-11-23T18:00Z"}},
      {"cron(0 8 ? * 2 *)", "UTC", "2026-11-20", {"2026-11-23T08:00Z"}},  // AWS: 2 is Monday
      {"cron(0/15 8/6 1 * ? *)",
       "UTC",
       "2026-11-20",
       {"2026-12-01T08:00Z", "2026-12-01T08:15Z", "2026-12-01T08:30Z", "2026-12-01T08:45Z",
        "2026-12-01T14:00Z"}},
      {"cron(0 0 L * ? *)", "UTC", "2028-01-31", {"2028-02-29", "2028-03-31"}},
      {"cron(0 0 L-2 * ? *)", "UTC", "2027-02-01", {"2027-02-26", "2027-03-29"}},
      {"cron(0 0 LW * ? *)", "UTC", "2026-01-01", {"2026-01-30", "2026-02-27", "2026-03-31"}},
      {"cron(0 0 1W * ? *)",
       "UTC",
       "2026-07-15",
       {"2026-08-03", "2026-09-01", "2026-10-01", "2026-11-02"}},
      {"cron(0 0 15W * ? *)",
       "UTC",
       "2026-07-16",
       {"2026-08-14", "2026-09-15", "2026-10-15", "2026-11-16"}},
      {"cron(0 0 ? * 6#3 *)", "UTC", "2026-11-01", {"2026-11-20", "2026-12-18"}},
      {"cron(0 0 ? * MON#5 *)", "UTC", "2026-11-01", {"2026-11-30", "2027-03-29"}},
      {"cron(0 0 ? * 6L *)", "UTC", "2026-11-01", {"2026-11-27", "2026-12-25"}},
      {"cron(0 0 ? * L *)", "UTC", "2026-11-20", {"2026-11-21", "2026-11-28"}},
      {"cron(0 0 1,L * ? 2027/2)",
       "UTC",
       "2026-11-20",
       {"2027-01-01", "2027-01-31", "2027-02-01", "2027-02-28"}},
  });
}

TEST(Schedule, rates_are_multiples_since_1970_whatever_the_zone) {
  check_all({
      {"rate(5 minutes)",
       "Asia/Kathmandu",
       "2026-11-20T12:01Z",
       {"2026-11-20T12:05Z", "2026-11-20T12:10Z"}},
      {"rate(1 hour)", "Asia/Kathmandu", "2026-11-20T12:01Z", {"2026-11-20T13:00Z"}},
      {"Rate( 7  days )", "America/New_York", "2026-11-20", {"2026-11-26", "2026-12-03"}},
      {"rate(90 seconds)", "UTC", "1970-01-01", {"1970-01-01T00:01:30Z"}},
      {"rate(90 seconds)", "UTC", "1969-12-31T23:58:00Z", {"1969-12-31T23:58:30Z", "1970-01-01"}},
  });
}

TEST(Schedule, fractions_of_a_second_lie_between) {
  const auto schedule = *Schedule::parse("* * * * * *", "");
  const Timestamp whole = time_of("2026-11-20T12:00:00Z");
  const auto half = whole + std::chrono::milliseconds(500);
  EXPECT_EQ(schedule.next(half), whole + std::chrono::seconds(1));
  EXPECT_EQ(schedule.previous(half), whole);
  EXPECT_EQ(schedule.previous(whole), whole - std::chrono::seconds(1));
}

TEST(Schedule, extremes_of_time_do_not_overflow) {
  for (const char* expression :
       {"0 0 29 2 *", "* * * * *", "rate(99999 days)", "cron(0 0 1 1 ? 1970)"}) {
    const auto schedule = *Schedule::parse(expression, "America/New_York");
    EXPECT_FALSE(schedule.next(Timestamp::max()) > Timestamp::max());
    EXPECT_FALSE(schedule.previous(Timestamp::min()) > Timestamp::max());
    EXPECT_TRUE(schedule.next(Timestamp::min()).has_value());
    EXPECT_TRUE(schedule.previous(Timestamp::max()).has_value());
  }
}

TEST(Schedule, the_day_that_closed) {
  using std::chrono::sys_days;
  using std::chrono::year;
  const Zone buenos_aires = *Zone::find("America/Argentina/Buenos_Aires");
  const auto closed = [](const Zone& zone, const char* at) {
    return day_closed(zone, time_of(at));
  };
  EXPECT_EQ(closed(Zone(), "2026-11-20T00:00Z"), sys_days(year(2026) / 11 / 19));
  EXPECT_EQ(closed(Zone(), "2026-11-19T23:59:59Z"), sys_days(year(2026) / 11 / 18));
  EXPECT_EQ(closed(buenos_aires, "2026-11-20T03:05Z"), sys_days(year(2026) / 11 / 19));
  EXPECT_EQ(closed(buenos_aires, "2026-11-20T02:55Z"), sys_days(year(2026) / 11 / 18));
  EXPECT_EQ(closed(*Zone::find("Pacific/Auckland"), "2026-11-19T11:00Z"),
            sys_days(year(2026) / 11 / 19));
}

}  // namespace
}  // namespace weir::calendar
