#include "api/accept.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace weir::api {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes what stands before `sign`, outside of quotes, off the text.
std::string_view take_part(std::string_view& text, char sign) {
  size_t end = 0;
  bool quoted = false;
  for (; end < text.size() && (quoted || text[end] != sign); ++end) {
    if (text[end] == '"') quoted = !quoted;
    if (text[end] == '\\' && quoted) ++end;
  }
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(part);
}

bool same(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// "0" to "1" with at most three decimals; what is no such number is 0: nobody is given what he may
/// not have wanted.
double quality(std::string_view text) {
  double q = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), q);
  return error == std::errc() && end == text.data() + text.size() && q >= 0 && q <= 1 ? q : 0;
}

/// How closely a range means a type: 3 the type itself, 2 "text/*", 1 "*/*"; 0: not at all.
int closeness(std::string_view range, std::string_view type) {
  if (same(range, type)) return 3;
  if (range == "*/*" || range == "*") return 1;
  const size_t slash = type.find('/');
  return range.ends_with("/*") && same(range.substr(0, range.size() - 2), type.substr(0, slash))
             ? 2
             : 0;
}

/// How much the header likes one type; 0: not at all.
double liking(std::string_view header, std::string_view type) {
  int closest = 0;
  double q = 0;
  while (!header.empty()) {
    std::string_view part = take_part(header, ',');
    const std::string_view range = take_part(part, ';');
    double own = 1;
    while (!part.empty()) {
      const std::string_view parameter = take_part(part, ';');
      if (parameter.size() >= 2 && (parameter[0] | 32) == 'q' && parameter[1] == '=') {
        own = quality(parameter.substr(2));
      }
    }
    const int close = closeness(range, type);
    if (close > closest || (close == closest && close > 0))
      q = close > closest ? own : std::max(q, own);
    closest = std::max(closest, close);
  }
  return q;
}

}  // namespace

std::optional<size_t> best_accepted(std::string_view header,
                                    std::span<const std::string_view> types) {
  if (trimmed(header).empty()) header = "*/*";
  std::optional<size_t> best;
  double most = 0;
  for (size_t i = 0; i < types.size(); ++i) {
    const double q = liking(header, types[i]);
    if (q <= most) continue;
    most = q;
    best = i;
  }
  return best;
}

}  // namespace weir::api
