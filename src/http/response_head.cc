#include "http/response_head.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::http {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes a run of digits off the front of `text`.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number > uint64_t(INT64_MAX)) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

/// Exactly `digits` digits.
std::optional<int> take_digits(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

int parse_status(std::string_view line) {
  const size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return 0;
  std::string_view rest = line.substr(blank + 1);
  const auto status = take_digits(rest, 3);
  return status && (rest.empty() || is_blank(rest.front())) ? *status : 0;
}

}  // namespace

std::string_view ResponseHead::find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      headers, [&](const HeaderField& header) { return same_name(header.name, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

Result<void> HeadReader::add(std::string_view line) {
  bytes_ += line.size();
  if (bytes_ > most_bytes) {
    return fail(ErrorCode::invalid_input, "the headers of the answer are longer than " +
                                              std::to_string(most_bytes) + " bytes");
  }
  if (complete_) return {};
  if (line.starts_with("HTTP/")) {
    head_ = {};
    head_.status = parse_status(line);
    return {};
  }
  if (trimmed(line).empty()) {
    complete_ = head_.status >= 200;
    return {};
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};  // no header: nothing of ours
  head_.headers.push_back(
      {std::string(trimmed(line.substr(0, colon))), std::string(trimmed(line.substr(colon + 1)))});
  return {};
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  std::string_view rest = trimmed(value);
  ContentRange range;
  if (!take(rest, "bytes ")) return std::nullopt;
  if (!take(rest, "*")) {
    range.first = take_number(rest);
    if (!range.first || !take(rest, "-")) return std::nullopt;
    range.last = take_number(rest);
    if (!range.last || *range.last < *range.first) return std::nullopt;
  }
  if (!take(rest, "/")) return std::nullopt;
  if (rest == "*") return range.first ? std::optional(range) : std::nullopt;
  range.total = take_number(rest);
  if (!range.total || !rest.empty()) return std::nullopt;
  if (range.last && *range.last >= *range.total) return std::nullopt;
  return range;
}

std::optional<uint64_t> parse_length(std::string_view value) {
  std::string_view rest = trimmed(value);
  const auto number = take_number(rest);
  return number && rest.empty() ? number : std::nullopt;
}

std::optional<Timestamp> parse_http_date(std::string_view value) {
  constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::string_view rest = trimmed(value);
  if (rest.size() != 29 || rest.substr(3, 2) != ", ") return std::nullopt;
  rest.remove_prefix(5);
  const auto day = take_digits(rest, 2);
  if (!day || !take(rest, " ")) return std::nullopt;
  const auto month = std::ranges::find(months, rest.substr(0, 3));
  rest.remove_prefix(3);
  if (month == months.end() || !take(rest, " ")) return std::nullopt;
  const auto year = take_digits(rest, 4);
  if (!year || !take(rest, " ")) return std::nullopt;
  const auto hour = take_digits(rest, 2);
  if (!hour || !take(rest, ":")) return std::nullopt;
  const auto minute = take_digits(rest, 2);
  if (!minute || !take(rest, ":")) return std::nullopt;
  const auto second = take_digits(rest, 2);
  if (!second || rest != " GMT") return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(unsigned(month - months.begin()) + 1),
                                         std::chrono::day(unsigned(*day)));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, Timestamp now) {
  using std::chrono::milliseconds;
  constexpr milliseconds longest = std::chrono::hours(24);
  if (const auto seconds = parse_length(value)) {
    return *seconds > 86'400 ? longest : milliseconds(*seconds * 1000);
  }
  const auto date = parse_http_date(value);
  if (!date) return std::nullopt;
  const auto wait = std::chrono::duration_cast<milliseconds>(*date - now);
  return std::clamp(wait, milliseconds(0), longest);
}

std::string resume_validator(const ResponseHead& head) {
  const std::string_view tag = head.find("etag");
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') return std::string(tag);
  if (!tag.empty()) return {};  // a weak one: equal tags do not mean equal bytes
  const std::string_view modified = head.find("last-modified");
  const auto changed = parse_http_date(modified);
  const auto answered = parse_http_date(head.find("date"));
  if (!changed || !answered || *answered - *changed < std::chrono::seconds(60)) return {};
  return std::string(modified);
}

}  // namespace weir::http
