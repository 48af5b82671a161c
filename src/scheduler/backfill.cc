#include "scheduler/backfill.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "calendar/schedule.h"
#include "pipeline/run_variables.h"

namespace weir::scheduler {
namespace {

namespace chrono = std::chrono;

constexpr size_t most_runs = 100'000;

/// An end of the range as it was written.
struct Bound {
  bool is_day = false;
  chrono::sys_days day{};
  Timestamp time{};
};

/// "0042" → 42; none when it is not all digits.
std::optional<int> digits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return text.empty() ? std::nullopt : std::optional(value);
}

std::optional<chrono::sys_days> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4));
  const auto month = digits(text.substr(5, 2)), day = digits(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const auto date = chrono::year(*year) / *month / *day;
  if (!date.ok()) return std::nullopt;
  return chrono::sys_days(date);
}

/// "Z" or "+05:30"
std::optional<chrono::minutes> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return chrono::minutes(0);
  if (text.size() != 6 || text[3] != ':' || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = digits(text.substr(1, 2)), minutes = digits(text.substr(4, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const chrono::minutes size(*hours * 60 + *minutes);
  return text[0] == '-' ? -size : size;
}

/// "2026-11-20T09:00Z", "2026-11-20T09:00:00.000000+01:00"
std::optional<Timestamp> parse_time(std::string_view text) {
  if (text.size() < 17 || (text[10] != 'T' && text[10] != ' ') || text[13] != ':')
    return std::nullopt;
  const auto day = parse_day(text.substr(0, 10));
  const auto hour = digits(text.substr(11, 2)), minute = digits(text.substr(14, 2));
  if (!day || !hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  Timestamp time = *day + chrono::hours(*hour) + chrono::minutes(*minute);
  std::string_view rest = text.substr(16);
  if (rest.size() > 3 && rest[0] == ':') {
    const auto second = digits(rest.substr(1, 2));
    if (!second || *second > 59) return std::nullopt;
    time += chrono::seconds(*second);
    rest.remove_prefix(3);
    if (rest.starts_with('.')) {
      const size_t end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
      const auto fraction = digits(rest.substr(1, std::min<size_t>(end - 1, 6)));
      if (!fraction) return std::nullopt;
      int64_t micros = *fraction;
      for (size_t length = end - 1; length < 6; ++length) micros *= 10;
      time += chrono::microseconds(micros);
      rest.remove_prefix(end);
    }
  }
  const auto offset = parse_offset(rest);
  if (!offset) return std::nullopt;
  return time - *offset;
}

Result<Bound> parse_bound(const char* option, std::string_view text) {
  if (const auto day = parse_day(text)) return Bound{true, *day, {}};
  if (const auto time = parse_time(text)) return Bound{false, {}, *time};
  return fail(ErrorCode::usage, fmt::format("{} '{}' is no date and no time", option, text),
              "write 2026-11-20, or 2026-11-20T09:00:00Z");
}

/// The times of all its schedules in the range, each once.
Result<std::set<Timestamp>> times_between(const Pipeline& pipeline, const Bound& from,
                                          const Bound& to) {
  // No clock is two days off: days are looked up one by one in between.
  const Timestamp first = from.is_day ? from.day - chrono::days(2) : from.time;
  const Timestamp last = to.is_day ? to.day + chrono::days(4) : to.time;
  const calendar::Zone zone = WEIR_TRY(pipeline::zone_of(pipeline));
  std::set<Timestamp> times;
  for (const Trigger& trigger : pipeline.triggers) {
    const auto* cron = std::get_if<CronTrigger>(&trigger);
    if (cron == nullptr) continue;
    const auto schedule = WEIR_TRY(calendar::Schedule::parse(cron->expression, cron->timezone));
    for (auto at = schedule.next(first - chrono::microseconds(1)); at && *at <= last;
         at = schedule.next(*at)) {
      const auto day = calendar::day_closed(zone, *at);
      if ((from.is_day && day < from.day) || (to.is_day && day > to.day)) continue;
      times.insert(*at);
      if (times.size() > most_runs) {
        return fail(ErrorCode::usage,
                    fmt::format("pipeline '{}' fires more than {} times in between",
                                pipeline.name.value(), most_runs),
                    "fill it in smaller parts");
      }
    }
  }
  return times;
}

}  // namespace

Result<std::vector<Run>> backfill_runs(const Pipeline& pipeline, std::string_view from,
                                       std::string_view to, Timestamp now) {
  const std::string& name = pipeline.name.value();
  const bool has_cron = std::ranges::any_of(pipeline.triggers, [](const Trigger& trigger) {
    return std::holds_alternative<CronTrigger>(trigger);
  });
  if (!has_cron) {
    return fail(ErrorCode::usage, fmt::format("pipeline '{}' has no cron trigger", name),
                "a backfill makes up for what a clock would have started; give it one: when: "
                "[{cron: \"5 0 * * *\"}]",
                pipeline.location);
  }
  const Bound first = WEIR_TRY(parse_bound("--from", from));
  const Bound last = WEIR_TRY(parse_bound("--to", to));
  const std::set<Timestamp> times = WEIR_TRY(times_between(pipeline, first, last));
  if (times.empty()) {
    const bool backwards = first.is_day == last.is_day &&
                           (first.is_day ? first.day > last.day : first.time > last.time);
    return fail(ErrorCode::usage,
                fmt::format("pipeline '{}' does not fire between {} and {}", name, from, to),
                backwards
                    ? "--from comes before --to"
                    : fmt::format("`weir runs --next --pipeline {}` shows when it does", name));
  }
  std::vector<Run> runs;
  runs.reserve(times.size());
  for (const Timestamp time : times) {
    Run& run = runs.emplace_back();
    run.id = new_run_id(now);
    run.pipeline = pipeline.name;
    run.trigger = "backfill";
    run.priority = pipeline.priority - 1;
    run.scheduled_for = time;
    run.created = now;
  }
  return runs;
}

}  // namespace weir::scheduler
