#include "calendar/posix_rule.h"

#include <algorithm>
#include <array>

namespace weir::calendar {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year;

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

class PosixRule::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  bool next_is(char c) const { return !at_end() && text_[at_] == c; }
  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }

  /// "EST" or "<+11>"
  bool abbreviation() {
    const size_t begin = at_;
    if (take('<')) {
      while (!at_end() && !next_is('>')) ++at_;
      return take('>');
    }
    while (!at_end() && letter(text_[at_])) ++at_;
    return at_ >= begin + 3;
  }

  std::optional<int> number(int low, int high) {
    int value = 0;
    const size_t begin = at_;
    while (!at_end() && digit(text_[at_]) && at_ < begin + 4)
      value = value * 10 + (text_[at_++] - '0');
    if (at_ == begin || value < low || value > high) return std::nullopt;
    return value;
  }

  /// "[+-]hh[:mm[:ss]]"
  std::optional<seconds> clock(int most_hours) {
    const bool negative = take('-');
    if (!negative) take('+');
    const auto hours = number(0, most_hours);
    if (!hours) return std::nullopt;
    int total = *hours * 3600;
    for (int unit = 60; unit >= 1 && take(':'); unit /= 60) {
      const auto part = number(0, 59);
      if (!part) return std::nullopt;
      total += *part * unit;
    }
    return seconds(negative ? -total : total);
  }

  std::optional<Change> change() {
    Change out;
    bool sound = take(',');
    const auto read = [&](int& member, int low, int high) {
      const auto value = number(low, high);
      sound = sound && value.has_value();
      member = value.value_or(low);
    };
    if (take('M')) {
      read(out.month, 1, 12);
      sound = sound && take('.');
      read(out.week, 1, 5);
      sound = sound && take('.');
      read(out.weekday, 0, 6);
    } else if (take('J')) {
      out.kind = Change::Day::julian_no_leap;
      read(out.day, 1, 365);
    } else {
      out.kind = Change::Day::day_of_year;
      read(out.day, 0, 365);
    }
    if (sound && take('/')) {
      const auto time = clock(167);
      if (!time) return std::nullopt;
      out.time = *time;
    }
    return sound ? std::optional(out) : std::nullopt;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

std::optional<PosixRule> PosixRule::parse(std::string_view text) {
  Parser parser(text);
  PosixRule rule;
  if (!parser.abbreviation()) return std::nullopt;
  const auto standard = parser.clock(24);
  if (!standard) return std::nullopt;
  rule.standard_ = -*standard;  // POSIX counts westwards
  rule.summer_ = rule.standard_ + std::chrono::hours(1);
  if (parser.at_end()) return rule;
  if (!parser.abbreviation()) return std::nullopt;
  if (!parser.next_is(',')) {
    const auto summer = parser.clock(24);
    if (!summer) return std::nullopt;
    rule.summer_ = -*summer;
  }
  const auto begin = parser.change();
  const auto end = begin ? parser.change() : std::nullopt;
  if (!end || !parser.at_end()) return std::nullopt;
  rule.changes_ = true;
  rule.begin_ = *begin;
  rule.end_ = *end;
  return rule;
}

sys_days PosixRule::Change::day_in(year in) const {
  namespace chrono = std::chrono;
  if (kind == Day::month_week) {
    const auto of = in / chrono::month(static_cast<unsigned>(month));
    const chrono::weekday on(static_cast<unsigned>(weekday));
    return week == 5 ? sys_days(of / on[chrono::last])
                     : sys_days(of / on[static_cast<unsigned>(week)]);
  }
  const sys_days first = in / chrono::January / 1;
  if (kind == Day::day_of_year) return first + days(day);
  const bool passed_february = in.is_leap() && day >= 60;  // J60 is March 1st in every year
  return first + days(day - 1 + passed_february);
}

ZoneSegment PosixRule::segment_at(sys_seconds time) const {
  if (!changes_) return {.offset = standard_};
  struct Turn {
    sys_seconds at;
    seconds offset;  // from then on
  };
  const std::chrono::year_month_day date(std::chrono::floor<days>(time));
  std::array<Turn, 6> turns;
  size_t count = 0;
  for (int distance = -1; distance <= 1; ++distance) {
    const year in = date.year() + std::chrono::years(distance);
    turns[count++] = {begin_.day_in(in) + (begin_.time - standard_), summer_};
    turns[count++] = {end_.day_in(in) + (end_.time - summer_), standard_};
  }
  std::ranges::stable_sort(turns, {}, &Turn::at);
  const auto next = std::ranges::upper_bound(turns, time, {}, &Turn::at);
  if (next == turns.begin() || next == turns.end()) {  // the ends of what a calendar can count
    return {.offset = standard_};
  }
  return {std::prev(next)->at, next->at, std::prev(next)->offset};
}

}  // namespace weir::calendar
