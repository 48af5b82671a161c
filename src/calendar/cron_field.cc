#include "calendar/cron_field.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/edit_distance.h"

namespace weir::calendar {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char left, char right) {
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
    return upper(left) == upper(right);
  });
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

std::optional<int> number(std::string_view text) {
  if (text.empty() || text.size() > 6) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::string what_fits(const CronField& field) {
  std::string out = fmt::format("{} is {} to {}", field.name, field.low, field.high);
  if (!field.names.empty()) out += fmt::format(", or {} …", field.names.front());
  return out;
}

/// "MONDAY" means MON, "JULI" means JUL.
std::string near_name(const CronField& field, std::string_view word) {
  const std::string wanted = upper(word);
  for (const std::string_view name : field.names) {
    if (wanted.starts_with(name)) return fmt::format("did you mean '{}'?", name);
  }
  if (const auto near = nearest(wanted, field.names))
    return fmt::format("did you mean '{}'?", *near);
  return what_fits(field);
}

Result<int> parse_step(const CronField& field, const CronWord& word, const CronRange& range) {
  const auto step = number(word.text);
  if (!step || *step == 0) {
    return fail(
        cron_error(word, fmt::format("'{}' is no step", word.text), "write a number from 1 on"));
  }
  if (*step > 1 && *step > range.high - range.low) {
    // The classic trap: */90 in minutes is not every 90 minutes, it is minute 0.
    return fail(cron_error(
        word, fmt::format("a step of {} leaves {} {} alone", *step, field.name, range.low),
        fmt::format("write {}; for every so often, whatever the hour, rate({} …)", range.low,
                    *step)));
  }
  return *step;
}

}  // namespace

Error cron_error(const CronWord& at, std::string message, std::string fix) {
  return {ErrorCode::invalid_project,
          std::move(message),
          std::move(fix),
          {"", 0, static_cast<int>(at.offset) + 1}};
}

Result<int> parse_cron_value(const CronField& field, const CronWord& word) {
  for (size_t i = 0; i < field.names.size(); ++i) {
    if (same_letters(word.text, field.names[i])) return field.first_name + static_cast<int>(i);
  }
  const auto value = number(word.text);
  if (value && *value >= field.low && *value <= field.high) return *value;
  if (value || field.names.empty()) {
    return fail(
        cron_error(word, fmt::format("'{}' is no {}", word.text, field.name), what_fits(field)));
  }
  return fail(cron_error(word, fmt::format("'{}' is no {}", word.text, field.name),
                         near_name(field, word.text)));
}

Result<CronRange> parse_cron_range(const CronField& field, const CronWord& word) {
  const size_t slash = word.text.find('/');
  const CronWord base = word.part(0, slash);
  CronRange range{field.low, field.high, 1};
  if (base.text != "*") {
    const size_t dash = base.text.find('-');
    range.low = range.high = WEIR_TRY(parse_cron_value(field, base.part(0, dash)));
    if (dash != std::string_view::npos) {
      range.high = WEIR_TRY(parse_cron_value(field, base.part(dash + 1)));
      if (field.low == 0 && field.high == 7 && range.high == 0 && range.low > 0) range.high = 7;
    } else if (slash != std::string_view::npos) {
      if (!field.open_steps) {
        return fail(cron_error(
            word, fmt::format("'{}' has a step but no range", word.text),
            fmt::format("write {}-{}{}", base.text, field.high, word.text.substr(slash))));
      }
      range.high = field.high;
    }
  }
  if (range.low > range.high) {
    return fail(
        cron_error(base, fmt::format("'{}' runs backwards", base.text),
                   fmt::format("write {}-{},{}-{}", range.low, field.high, field.low, range.high)));
  }
  if (slash != std::string_view::npos)
    range.step = WEIR_TRY(parse_step(field, word.part(slash + 1), range));
  return range;
}

Result<std::vector<CronWord>> cron_items(const CronField& field, const CronWord& word) {
  std::vector<CronWord> items;
  for (size_t begin = 0; begin <= word.text.size();) {
    const size_t comma = std::min(word.text.find(',', begin), word.text.size());
    items.push_back(word.part(begin, comma - begin));
    if (items.back().text.empty()) {
      return fail(cron_error(items.back(), fmt::format("an item of {} is empty", field.name),
                             "remove the comma"));
    }
    begin = comma + 1;
  }
  return items;
}

Result<uint64_t> parse_cron_bits(const CronField& field, const CronWord& word) {
  uint64_t bits = 0;
  for (const CronWord& item : WEIR_TRY(cron_items(field, word))) {
    const CronRange range = WEIR_TRY(parse_cron_range(field, item));
    for (int value = range.low; value <= range.high; value += range.step)
      bits |= uint64_t{1} << value;
  }
  return bits;
}

}  // namespace weir::calendar
