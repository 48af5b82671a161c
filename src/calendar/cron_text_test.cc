#include "calendar/cron_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calendar/zone.h"

namespace weir::calendar {
namespace {

/// "column: message; fix"
std::string problem(std::string_view text) {
  const auto parsed = parse_cron(text);
  if (parsed) return "none";
  const Error& error = parsed.error();
  return std::to_string(error.location.column) + ": " + error.message +
         (error.fix.empty() ? "" : "; " + error.fix);
}

TEST(CronText, says_what_is_wrong_where_and_what_mends_it) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "1: it is empty; for example \"5 0 * * *\": at 00:05 every day"},
      {"0 0 * *",
       "8: it has 4 fields, not five or six; minute, hour, day of month, month, day of week: "
       "\"5 0 * * *\"; a sixth in front is the second"},
      {"60 0 * * *", "1: '60' is no minute; minute is 0 to 59"},
      {"0 24 * * *", "3: '24' is no hour; hour is 0 to 23"},
      {"0 0 0 * *", "5: '0' is no day of month; day of month is 1 to 31"},
      {"0 0 1 13 *", "7: '13' is no month; month is 1 to 12, or JAN …"},
      {"0 0 * * 8", "9: '8' is no day of week; day of week is 0 to 7, or SUN …"},
      {"0 0 * * MONDAY", "9: 'MONDAY' is no day of week; did you mean 'MON'?"},
      {"0 0 1 JLU *", "7: 'JLU' is no month; did you mean 'JUL'?"},
      {"0 0 * * MON-FRY", "13: 'FRY' is no day of week; did you mean 'FRI'?"},
      {"5,,7 0 * * *", "3: an item of minute is empty; remove the comma"},
      {"*/0 0 * * *", "3: '0' is no step; write a number from 1 on"},
      {"*/90 * * * *",
       "3: a step of 90 leaves minute 0 alone; write 0; for every so often, whatever the hour, "
       "rate(90 …)"},
      {"0 22-2 * * *", "3: '22-2' runs backwards; write 22-23,0-2"},
      {"5/15 * * * *", "1: '5/15' has a step but no range; write 5-59/15"},
      {"0 0 L * *",
       "5: 'L' belongs to the form cron(minute hour day month weekday year); write it in that "
       "form, "
       "for example cron(0 0 L * ? *)"},
      {"0 0 ? * MON",
       "5: '?' belongs to the form cron(minute hour day month weekday year); write *"},
      {"0 0 30 2 *",
       "5: no month it names has such a day: it would never fire; mend the days or the months"},
      {"0 0 31 4,6,9,11 *",
       "5: no month it names has such a day: it would never fire; mend the days or the months"},
      {"@dayly", "1: there is no '@dayly'; did you mean '@daily'?"},
      {" @reboot",
       "2: there is no '@reboot'; weir has no such trigger: pipelines run by objects, or by the "
       "clock"},
      {"@every 5m", "1: there is no '@every 5m'; write rate(5 minutes)"},
      {"cron(0 10 * * ? *", "18: ')' is missing at the end"},
      {"cron(0 10 * * ?)",
       "16: cron(…) has 5 fields, not six; minute, hour, day of month, month, day of week, year: "
       "cron(5 0 * * ? *)"},
      {"cron(0 10 * * * *)",
       "11: in cron(…) one of day of month and day of week is '?'; write ? in the one that does "
       "not "
       "matter"},
      {"cron(0 10 ? * ? *)",
       "15: in cron(…) one of day of month and day of week is '?'; write * in one of them"},
      {"cron(0 10 ? * 0 *)", "15: '0' is no day of week; day of week is 1 to 7, or SUN …"},
      {"cron(0 10 ? * 2#6 *)", "17: '6' is no week after '#'; week after '#' is 1 to 5"},
      {"cron(0 0 29 2 ? 2001-2003)",
       "10: no month it names has such a day: it would never fire; mend the days or the months"},
      {"cron(0 0 1 1 ? 1066)", "16: '1066' is no year; year is 1970 to 2199"},
      {"rate(5)", "6: rate(…) is a number and a unit; for example rate(5 minutes)"},
      {"rate(0 days)", "6: '0' is no rate; rate is 1 to 99999"},
      {"rate(5 fortnights)",
       "8: 'fortnights' is no unit of a rate; units are seconds, minutes, hours and days"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(problem(text), expected) << text;
}

TEST(CronText, what_looks_odd_but_is_meant) {
  for (const char* text :
       {"0 0 1 JUL *", "0 0 * 1-JUL *", "0 0 * * Wed", "59 23 31 12 7", "*/59 * * * *",
        "0 0 29 2 *", "cron(0 0 31W * ? *)", "CRON(0 0 ? * FRIL *)", "5-5/1 * * * *"}) {
    EXPECT_EQ(problem(text), "none") << text;
  }
}

TEST(Zone, says_what_was_meant) {
  const auto problem_of = [](std::string_view name) {
    const auto zone = Zone::find(name);
    return zone ? "none" : zone.error().message + "; " + zone.error().fix;
  };
  const std::pair<const char*, const char*> cases[] = {
      {"Europe/Madird", "there is no time zone 'Europe/Madird'; did you mean 'Europe/Madrid'?"},
      {"europe/madrid", "there is no time zone 'europe/madrid'; did you mean 'Europe/Madrid'?"},
      {"Madrid", "there is no time zone 'Madrid'; did you mean 'Europe/Madrid'?"},
      {"America/Sao Paulo",
       "there is no time zone 'America/Sao Paulo'; did you mean 'America/Sao_Paulo'?"},
      {"../../etc/passwd",
       "there is no time zone '../../etc/passwd'; write an IANA name, continent and city: "
       "Europe/Madrid"},
  };
  for (const auto& [name, expected] : cases) EXPECT_EQ(problem_of(name), expected);
  EXPECT_EQ(problem_of("UTC"), "none");
}

}  // namespace
}  // namespace weir::calendar
