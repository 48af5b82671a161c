#include "duckdb/server_spelling.h"

#include <charconv>
#include <limits>
#include <optional>

#include "text/spelling.h"

namespace weir::duckdb {
namespace {

using text::Spelling;

constexpr int64_t day_micros = 86'400'000'000;

template <typename Float>
bool parse_float(std::string_view text, Float& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

template <typename Value>
bool parse_infinity(std::string_view text, Value& value) {
  // The two ends of DuckDB's type, which it prints as infinity.
  if (text == "infinity") {
    value = std::numeric_limits<Value>::max();
  } else if (text == "-infinity") {
    value = -std::numeric_limits<Value>::max();
  } else {
    return false;
  }
  return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

std::optional<int> digits(std::string_view text, size_t least, size_t most) {
  int value = 0;
  if (text.size() < least || text.size() > most) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') {
    return std::nullopt;
  }
  return value;
}

bool is_leap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_of_month(int64_t year, int month) {
  static constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/// Days since 1970-01-01, of any year: the algorithm of chrono's calendars.
int64_t days_of(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719'468;
}

/// "YYYY-MM-DD" with a year of four digits or more; `before`: BC stood behind everything.
std::optional<int64_t> parse_day(std::string_view text, bool before) {
  if (text.size() < 10 || text[text.size() - 3] != '-' || text[text.size() - 6] != '-') {
    return std::nullopt;
  }
  const auto year = digits(text.substr(0, text.size() - 6), 4, 7);
  const auto month = digits(text.substr(text.size() - 5, 2), 2, 2);
  const auto day = digits(text.substr(text.size() - 2), 2, 2);
  if (!year || !month || !day || *year < 1 || *month < 1 || *month > 12) return std::nullopt;
  const int64_t counted = before ? 1 - int64_t{*year} : *year;
  if (*day < 1 || *day > days_of_month(counted, *month)) return std::nullopt;
  return days_of(counted, *month, *day);
}

/// A day and a time without an offset, in years beyond weir's own.
bool parse_far_moment(std::string_view text, bool before, int64_t& micros) {
  const size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return false;
  const auto days = parse_day(text.substr(0, blank), before);
  int64_t time = 0;
  if (!days || text::parse_time(text.substr(blank + 1), time) != Spelling::ok) return false;
  const __int128 wide = static_cast<__int128>(*days) * day_micros + time;
  // The outermost values stand for infinity.
  constexpr int64_t most = std::numeric_limits<int64_t>::max() - 1;
  if (wide > most || wide < -static_cast<__int128>(most)) return false;
  micros = static_cast<int64_t>(wide);
  return true;
}

}  // namespace

bool parse_server_float(std::string_view text, float& value) { return parse_float(text, value); }
bool parse_server_float(std::string_view text, double& value) { return parse_float(text, value); }

bool parse_server_date(std::string_view text, int32_t& days) {
  if (text::parse_date(text, days) == Spelling::ok || parse_infinity(text, days)) return true;
  const bool before = take_suffix(text, " BC");
  const auto day = parse_day(text, before);
  constexpr int32_t most = std::numeric_limits<int32_t>::max() - 1;
  if (!day || *day > most || *day < -most) return false;
  days = static_cast<int32_t>(*day);
  return true;
}

bool parse_server_time(std::string_view text, int64_t& micros) {
  if (text::parse_time(text, micros) == Spelling::ok) return true;
  micros = day_micros;
  return text == "24:00:00";
}

bool parse_server_timestamp(std::string_view text, int64_t& micros) {
  if (text::parse_timestamp(text, micros) == Spelling::ok || parse_infinity(text, micros)) {
    return true;
  }
  const bool before = take_suffix(text, " BC");
  return parse_far_moment(text, before, micros);
}

bool parse_server_timestamptz(std::string_view text, int64_t& micros) {
  if (text::parse_timestamptz(text, micros) == Spelling::ok) return true;
  // The session's zone is UTC.
  const bool before = take_suffix(text, " BC");
  if (take_suffix(text, "+00") && text.find(' ') == std::string_view::npos) return false;
  if (before) return parse_far_moment(text, true, micros);
  return parse_server_timestamp(text, micros);
}

namespace {

/// Takes a Postgres array apart.
class ArrayText {
 public:
  ArrayText(std::string_view text, std::vector<ArrayElement>& elements)
      : text_(text), elements_(elements) {}

  bool parse() {
    elements_.clear();
    if (!take('{')) return false;
    if (take('}')) return at_ == text_.size();
    do {
      if (!element()) return false;
    } while (take(','));
    return take('}') && at_ == text_.size();
  }

 private:
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool element() {
    ArrayElement& made = elements_.emplace_back();
    if (take('"')) return quoted(made.text);
    if (at_ < text_.size() && text_[at_] == '{') return nested(made.text);
    const size_t end = text_.find_first_of(",}", at_);
    if (end == std::string_view::npos || end == at_) return false;
    made.text = text_.substr(at_, end - at_);
    at_ = end;
    made.is_null = made.text == "NULL";
    return true;
  }

  bool quoted(std::string& out) {
    for (; at_ < text_.size(); ++at_) {
      if (take('"')) return true;
      if (text_[at_] == '\\' && ++at_ == text_.size()) return false;
      out += text_[at_];
    }
    return false;
  }

  bool nested(std::string& out) {
    const size_t begin = at_;
    int depth = 0;
    for (bool in_quotes = false; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\\') {
        ++at_;
      } else if (c == '"') {
        in_quotes = !in_quotes;
      } else if (!in_quotes && c == '{') {
        ++depth;
      } else if (!in_quotes && c == '}' && --depth == 0) {
        out = text_.substr(begin, ++at_ - begin);
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  std::vector<ArrayElement>& elements_;
  size_t at_ = 0;
};

}  // namespace

bool parse_server_array(std::string_view text, std::vector<ArrayElement>& elements) {
  return ArrayText(text, elements).parse();
}

}  // namespace weir::duckdb
