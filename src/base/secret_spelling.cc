#include "base/secret_spelling.h"

#include <array>

namespace weir {
namespace {

constexpr size_t npos = std::string_view::npos;
constexpr std::string_view upper_hex = "0123456789ABCDEF";
constexpr std::string_view lower_hex = "0123456789abcdef";
// Shorter pieces of Base64 may be parts of other words.
constexpr size_t shortest_base64 = 5;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The number that `digits` hexadecimal digits at `at` spell; -1 when they do not.
int hex_number(std::string_view text, size_t at, size_t digits) {
  if (at + digits > text.size()) return -1;
  int number = 0;
  for (size_t i = 0; i < digits; ++i) {
    const int digit = hex_digit(text[at + i]);
    if (digit < 0) return -1;
    number = number * 16 + digit;
  }
  return number;
}

/// The UTF-8 character that begins `text`: its code point and its length; length 1 and the byte
/// itself where the text is no UTF-8.
std::pair<int, size_t> character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
  if (length == 1 || length > text.size()) return {lead, 1};
  int point = lead & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {lead, 1};
    point = point << 6 | (byte(i) & 0x3f);
  }
  return {point, length};
}

/// Length of the escape behind a backslash at `at` that spells `point`; 0 when it does not.
size_t backslash_escape(std::string_view text, size_t at, int point) {
  if (at >= text.size()) return 0;
  static constexpr std::array<std::pair<char, char>, 8> named = {{{'n', '\n'},
                                                                  {'r', '\r'},
                                                                  {'t', '\t'},
                                                                  {'b', '\b'},
                                                                  {'f', '\f'},
                                                                  {'v', '\v'},
                                                                  {'a', '\a'},
                                                                  {'0', '\0'}}};
  for (const auto& [letter, meaning] : named) {
    if (text[at] == letter && point == meaning) return 1;
  }
  if (text[at] == 'x' && hex_number(text, at + 1, 2) == point) return 3;
  if (text[at] == 'u') {
    const int unit = hex_number(text, at + 1, 4);
    if (unit == point) return 5;
    if (point < 0x10000 || unit != 0xd800 + ((point - 0x10000) >> 10)) return 0;
    const int low = text.substr(at + 5, 2) == "\\u" ? hex_number(text, at + 7, 4) : -1;
    return low == 0xdc00 + ((point - 0x10000) & 0x3ff) ? 11 : 0;
  }
  const bool punctuation = point > ' ' && point < 0x7f && !(point >= '0' && point <= '9') &&
                           !(point >= 'A' && point <= 'Z') && !(point >= 'a' && point <= 'z');
  return punctuation && text[at] == static_cast<char>(point) ? 1 : 0;
}

/// Length of the HTML or XML entity at `at` that spells `point`; 0 when it does not.
size_t entity(std::string_view text, size_t at, int point) {
  static constexpr std::array<std::pair<std::string_view, char>, 5> named = {
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  for (const auto& [spelling, meaning] : named) {
    if (point == meaning && text.substr(at, spelling.size()) == spelling) return spelling.size();
  }
  if (text.substr(at, 2) != "&#") return 0;
  const bool hex = at + 2 < text.size() && (text[at + 2] == 'x' || text[at + 2] == 'X');
  const int base = hex ? 16 : 10;
  int number = 0;
  size_t end = at + (hex ? 3 : 2);
  for (; end < text.size() && number < 0x110000; ++end) {
    const int digit = hex_digit(text[end]);
    if (digit < 0 || digit >= base) break;
    number = number * base + digit;
  }
  return number == point && end < text.size() && text[end] == ';' ? end + 1 - at : 0;
}

/// Length of "%41", or of "%2541" where a text was encoded twice, that spells `byte`.
size_t percent_escape(std::string_view text, size_t at, unsigned char byte) {
  if (text[at] != '%') return 0;
  size_t digits = at + 1;
  while (text.substr(digits, 2) == "25" && hex_number(text, digits, 2) != byte) digits += 2;
  return hex_number(text, digits, 2) == byte ? digits + 2 - at : 0;
}

/// Length of what spells one character of the secret at `at` of the text; 0 when nothing does.
size_t spelled(std::string_view text, size_t at, std::string_view bytes, int point) {
  const char c = text[at];
  if (c == '\\') {
    size_t escape = at;
    while (escape < text.size() && text[escape] == '\\') ++escape;  // escaped again and again
    if (const size_t length = backslash_escape(text, escape, point)) return escape + length - at;
    if (point == '\\') return escape - at >= 2 ? 2 : 1;
    return 0;
  }
  if (c == '&' && entity(text, at, point) > 0) return entity(text, at, point);
  if (c == '+' && point == ' ') return 1;
  if (c == '%') {
    size_t length = 0;
    for (const char byte : bytes) {
      const size_t one = at + length < text.size()
                             ? percent_escape(text, at + length, static_cast<unsigned char>(byte))
                             : 0;
      if (one == 0) return point == '%' ? 1 : 0;
      length += one;
    }
    return length;
  }
  if (text.substr(at, bytes.size()) != bytes) return 0;
  const bool quote = c == '\'' || c == '"';
  return quote && at + 1 < text.size() && text[at + 1] == c ? 2 : bytes.size();
}

/// End of an escaped spelling of the secret that begins at `at`; npos when there is none.
size_t escaped_end(std::string_view text, size_t at, std::string_view value) {
  for (size_t i = 0; i < value.size();) {
    if (at >= text.size()) return npos;
    const auto [point, length] = character(value.substr(i));
    const size_t taken = spelled(text, at, value.substr(i, length), point);
    if (taken == 0) return npos;
    at += taken;
    i += length;
  }
  return at;
}

std::string hex(std::string_view bytes, std::string_view digits) {
  std::string out;
  for (const char byte : bytes) {
    out += digits[static_cast<unsigned char>(byte) >> 4];
    out += digits[static_cast<unsigned char>(byte) & 15];
  }
  return out;
}

bool base64_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '-' || c == '_';
}

/// Begin and end of the first spelling of `value` at or behind `from`.
std::pair<size_t, size_t> find_escaped(std::string_view text, size_t from,
                                       const std::string& value) {
  std::pair<size_t, size_t> found{npos, npos};
  if (const size_t at = text.find(value, from); at != npos) found = {at, at + value.size()};
  const std::string beginnings = std::string("%\\&+") + value[0];
  for (size_t at = text.find_first_of(beginnings, from); at < found.first;
       at = text.find_first_of(beginnings, at + 1)) {
    if (const size_t end = escaped_end(text, at, value); end != npos) return {at, end};
  }
  return found;
}

}  // namespace

SecretSpelling::SecretSpelling(std::string value) : value_(std::move(value)) {
  add({value_}, 1);
  add({hex(value_, lower_hex)}, 8);
  add({hex(value_, upper_hex)}, 8);
  for (const std::string_view last_two : {"+/", "-_"}) {
    for (const size_t before : {0, 1, 2}) add_base64(before, last_two);
  }
}

void SecretSpelling::add(Form form, size_t shortest) {
  if (form.text.size() < shortest) return;
  for (const Form& each : forms_) {
    if (each.text == form.text) return;
  }
  forms_.push_back(std::move(form));
}

/// Adds the characters of Base64 that the value alone decides when `before` bytes of something else
/// stand in front of it in its group of three: what is around it changes only those at the edges.
void SecretSpelling::add_base64(size_t before, std::string_view last_two) {
  static constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  Form form;
  const size_t begin = before * 8;
  const size_t end = begin + value_.size() * 8;
  size_t bit = (begin + 5) / 6 * 6;
  for (; bit + 6 <= end; bit += 6) {
    unsigned six = 0;
    for (size_t i = bit - begin; i < bit - begin + 6; ++i) {
      const auto byte = static_cast<unsigned char>(value_[i / 8]);
      six = six << 1 | (byte >> (7 - i % 8) & 1u);
    }
    form.text += six < letters.size() ? letters[six] : last_two[six - letters.size()];
  }
  form.before = before == 0 ? 0 : 1;
  form.after = bit < end ? 1 : 0;
  add(std::move(form), shortest_base64);
}

std::pair<size_t, size_t> SecretSpelling::find(std::string_view text, size_t from) const {
  std::pair<size_t, size_t> first{npos, npos};
  for (const Form& form : forms_) {
    auto [begin, end] = find_escaped(text, from, form.text);
    if (begin == npos) continue;
    for (size_t i = 0; i < form.before && begin > from && base64_character(text[begin - 1]); ++i) {
      --begin;
    }
    for (size_t i = 0; i < form.after && end < text.size() && base64_character(text[end]); ++i) {
      ++end;
    }
    if (begin < first.first || (begin == first.first && end > first.second)) first = {begin, end};
  }
  return first;
}

}  // namespace weir
