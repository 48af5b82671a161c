#include "calendar/cron_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/edit_distance.h"
#include "calendar/cron_field.h"

namespace weir::calendar {
namespace {

constexpr std::string_view month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                            "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::string_view weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

constexpr CronField second_field{"second", 0, 59};
constexpr CronField minute_field{"minute", 0, 59};
constexpr CronField hour_field{"hour", 0, 23};
constexpr CronField month_day_field{"day of month", 1, 31};
constexpr CronField month_field{"month", 1, 12, month_names, 1};
constexpr CronField weekday_field{"day of week", 0, 7, weekday_names, 0};
/// AWS counts weekdays from 1, and years.
constexpr CronField aws_weekday_field{"day of week", 1, 7, weekday_names, 1, true};
constexpr CronField aws_year_field{"year", 1970, 2199, {}, 0, true};

constexpr CronField open(CronField field) {
  field.open_steps = true;
  return field;
}

bool blank(char c) { return c == ' ' || c == '\t'; }

std::vector<CronWord> words_of(const CronWord& text) {
  std::vector<CronWord> words;
  for (size_t i = 0; i < text.text.size();) {
    if (blank(text.text[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    while (i < text.text.size() && !blank(text.text[i])) ++i;
    words.push_back(text.part(begin, i - begin));
  }
  return words;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

/// A sound set of fields may still name no day: February 30th.
Result<CronExpression> checked(CronTimes times, const CronWord& days) {
  const std::chrono::year first(times.years.empty() ? 2000 : times.years.front());
  if (times.next(std::chrono::local_days(first / 1 / 1))) return CronExpression(std::move(times));
  return fail(cron_error(days, "no month it names has such a day: it would never fire",
                         "mend the days or the months"));
}

// Five and six fields.

/// `?`, `#`, L and W behind a number, L alone: what only the AWS form has.
bool has_aws_sign(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char before = i == 0 ? ',' : text[i - 1];
    const bool number = before >= '0' && before <= '9';
    if (text[i] == '?' || text[i] == '#') return true;
    if (text[i] == 'L' && (number || before == ',')) return true;
    if (text[i] == 'W' && number) return true;
  }
  return false;
}

Result<void> refuse_aws_signs(const CronWord& word) {
  if (!has_aws_sign(word.text)) return {};
  return fail(cron_error(
      word,
      fmt::format("'{}' belongs to the form cron(minute hour day month weekday year)", word.text),
      word.text == "?" ? "write *" : "write it in that form, for example cron(0 0 L * ? *)"));
}

WeekDays standard_week_days(uint64_t bits) {
  WeekDays days;
  days.days = static_cast<uint8_t>((bits | bits >> 7) & 0x7f);  // 7 is Sunday, too
  return days;
}

Result<CronExpression> parse_fields(const std::vector<CronWord>& words, size_t offset_of_end) {
  if (words.size() != 5 && words.size() != 6) {
    return fail(cron_error({"", words.size() > 6 ? words[6].offset : offset_of_end},
                           fmt::format("it has {} field{}, not five or six", words.size(),
                                       words.size() == 1 ? "" : "s"),
                           "minute, hour, day of month, month, day of week: \"5 0 * * *\"; a sixth "
                           "in front is the second"));
  }
  const size_t first = words.size() - 5;
  for (const CronWord& word : words) WEIR_TRY(refuse_aws_signs(word));
  CronTimes times;
  if (first == 1) times.second_bits = WEIR_TRY(parse_cron_bits(second_field, words[0]));
  times.minute_bits = WEIR_TRY(parse_cron_bits(minute_field, words[first]));
  const CronWord& hours = words[first + 1];
  times.hour_bits = static_cast<uint32_t>(WEIR_TRY(parse_cron_bits(hour_field, hours)));
  times.wildcard_hours = hours.text.starts_with('*');
  const CronWord& days = words[first + 2];
  times.month_days.days = static_cast<uint32_t>(WEIR_TRY(parse_cron_bits(month_day_field, days)));
  times.month_days.restricted = !days.text.starts_with('*');
  times.month_bits =
      static_cast<uint16_t>(WEIR_TRY(parse_cron_bits(month_field, words[first + 3])));
  const CronWord& weekdays = words[first + 4];
  times.week_days = standard_week_days(WEIR_TRY(parse_cron_bits(weekday_field, weekdays)));
  times.week_days.restricted = !weekdays.text.starts_with('*');
  return checked(std::move(times), days);
}

// Macros.

Result<CronExpression> parse_macro(const CronWord& word) {
  static constexpr std::pair<std::string_view, std::string_view> macros[] = {
      {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
      {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
      {"@annually", "0 0 1 1 *"}};
  const std::string name = lower(word.text);
  std::vector<std::string_view> names;
  for (const auto& [macro, fields] : macros) {
    if (name == macro) return parse_fields(words_of({fields, 0}), fields.size());
    names.push_back(macro);
  }
  std::string fix = "there are @hourly, @daily, @weekly, @monthly and @yearly";
  if (const auto near = nearest(name, names)) fix = fmt::format("did you mean '{}'?", *near);
  if (name == "@reboot")
    fix = "weir has no such trigger: pipelines run by objects, or by the clock";
  if (name.starts_with("@every")) fix = "write rate(5 minutes)";
  return fail(cron_error(word, fmt::format("there is no '{}'", word.text.substr(0, 60)), fix));
}

// AWS.

Result<void> add_aws_month_day(MonthDays& days, const CronWord& item) {
  const std::string_view text = item.text;
  if (text == "L") {
    days.before_last |= 1;
  } else if (text == "LW" || text == "WL") {
    days.last_weekday = true;
  } else if (text.starts_with("L-")) {
    const int back =
        WEIR_TRY(parse_cron_value({"number of days before the last", 1, 30}, item.part(2)));
    days.before_last |= uint32_t{1} << back;
  } else if (text.ends_with('W')) {
    const int day = WEIR_TRY(parse_cron_value(month_day_field, item.part(0, text.size() - 1)));
    days.nearest_weekday |= uint32_t{1} << day;
  } else {
    days.days |= static_cast<uint32_t>(WEIR_TRY(parse_cron_bits(open(month_day_field), item)));
  }
  return {};
}

Result<void> add_aws_week_day(WeekDays& days, const CronWord& item) {
  const std::string_view text = item.text;
  const size_t sharp = text.find('#');
  if (text == "L") {
    days.days |= 1u << 6;
  } else if (sharp != std::string_view::npos) {
    const int day = WEIR_TRY(parse_cron_value(aws_weekday_field, item.part(0, sharp)));
    const int nth = WEIR_TRY(parse_cron_value({"week after '#'", 1, 5}, item.part(sharp + 1)));
    days.nth[static_cast<size_t>(nth)] |= static_cast<uint8_t>(1u << (day - 1));
  } else if (text.ends_with('L')) {
    const int day = WEIR_TRY(parse_cron_value(aws_weekday_field, item.part(0, text.size() - 1)));
    days.last |= static_cast<uint8_t>(1u << (day - 1));
  } else {
    days.days |= static_cast<uint8_t>(WEIR_TRY(parse_cron_bits(aws_weekday_field, item)) >> 1);
  }
  return {};
}

Result<std::vector<int>> aws_years(const CronWord& word) {
  if (word.text == "*") return std::vector<int>{};
  std::set<int> years;
  for (const CronWord& item : WEIR_TRY(cron_items(aws_year_field, word))) {
    const CronRange range = WEIR_TRY(parse_cron_range(aws_year_field, item));
    for (int year = range.low; year <= range.high; year += range.step) years.insert(year);
  }
  return std::vector<int>(years.begin(), years.end());
}

/// What stands between the parentheses of `name(…)`.
Result<CronWord> between_parentheses(const CronWord& word, size_t name) {
  if (word.text.back() != ')') {
    return fail(cron_error({"", word.offset + word.text.size()}, "')' is missing at the end"));
  }
  return word.part(name + 1, word.text.size() - name - 2);
}

Result<CronExpression> parse_aws(const CronWord& text) {
  const CronWord inside = WEIR_TRY(between_parentheses(text, 4));
  const std::vector<CronWord> words = words_of(inside);
  if (words.size() != 6) {
    return fail(cron_error(
        words.size() > 6 ? words[6] : CronWord{"", inside.offset + inside.text.size()},
        fmt::format("cron(…) has {} field{}, not six", words.size(), words.size() == 1 ? "" : "s"),
        "minute, hour, day of month, month, day of week, year: cron(5 0 * * ? *)"));
  }
  CronTimes times;
  times.minute_bits = WEIR_TRY(parse_cron_bits(open(minute_field), words[0]));
  times.hour_bits = static_cast<uint32_t>(WEIR_TRY(parse_cron_bits(open(hour_field), words[1])));
  times.wildcard_hours = words[1].text.starts_with('*');
  const CronWord& days = words[2];
  const CronWord& weekdays = words[4];
  if ((days.text == "?") == (weekdays.text == "?")) {
    return fail(cron_error(
        days.text == "?" ? weekdays : days, "in cron(…) one of day of month and day of week is '?'",
        days.text == "?" ? "write * in one of them" : "write ? in the one that does not matter"));
  }
  if (days.text == "?") {
    times.month_days.days = ~uint32_t{1};
    for (const CronWord& item : WEIR_TRY(cron_items(aws_weekday_field, weekdays))) {
      WEIR_TRY(add_aws_week_day(times.week_days, item));
    }
  } else {
    times.week_days.days = 0x7f;
    for (const CronWord& item : WEIR_TRY(cron_items(month_day_field, days))) {
      WEIR_TRY(add_aws_month_day(times.month_days, item));
    }
  }
  times.month_bits = static_cast<uint16_t>(WEIR_TRY(parse_cron_bits(open(month_field), words[3])));
  times.years = WEIR_TRY(aws_years(words[5]));
  return checked(std::move(times), days.text == "?" ? weekdays : days);
}

Result<CronExpression> parse_rate(const CronWord& text) {
  const CronWord inside = WEIR_TRY(between_parentheses(text, 4));
  const std::vector<CronWord> words = words_of(inside);
  if (words.size() != 2) {
    return fail(
        cron_error(inside, "rate(…) is a number and a unit", "for example rate(5 minutes)"));
  }
  const int count = WEIR_TRY(parse_cron_value({"rate", 1, 99999}, words[0]));
  static constexpr std::pair<std::string_view, int> units[] = {
      {"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}};
  std::string name = lower(words[1].text);
  if (name.size() > 1 && name.ends_with('s')) name.pop_back();
  for (const auto& [unit, length] : units) {
    if (name == unit) return CronExpression(Rate{seconds(int64_t{count} * length)});
  }
  return fail(cron_error(words[1], fmt::format("'{}' is no unit of a rate", words[1].text),
                         "units are seconds, minutes, hours and days"));
}

}  // namespace

Result<CronExpression> parse_cron(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    return fail(
        cron_error({text, 0}, "it is empty", "for example \"5 0 * * *\": at 00:05 every day"));
  }
  const size_t end = text.find_last_not_of(" \t");
  const CronWord whole{text.substr(begin, end + 1 - begin), begin};
  if (whole.text.size() > 1000) {
    return fail(cron_error({"", 1000}, "it is longer than 1000 characters", "shorten it"));
  }
  const std::string start = lower(whole.text.substr(0, 5));
  if (start == "cron(") return parse_aws(whole);
  if (start == "rate(") return parse_rate(whole);
  if (whole.text.front() == '@') return parse_macro(whole);
  return parse_fields(words_of(whole), whole.offset + whole.text.size());
}

}  // namespace weir::calendar
