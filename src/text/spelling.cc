#include "text/spelling.h"

#include <charconv>
#include <limits>
#include <utility>

#include "base/check.h"

namespace weir::text {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes a sign away; true for '-'.
bool take_sign(std::string_view& text) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  return negative;
}

void drop_leading_zeros(std::string_view& text) {
  while (text.size() > 1 && text[0] == '0') text.remove_prefix(1);
}

size_t count_digits(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  return count;
}

// The value of digits, of which there are few enough for Unsigned.
template <class Unsigned>
Unsigned digits_value(std::string_view digits) {
  Unsigned value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

unsigned __int128 digits_value_128(std::string_view digits) {
  constexpr uint64_t ten_to_19 = 10'000'000'000'000'000'000u;
  if (digits.size() <= 19) return digits_value<uint64_t>(digits);
  const std::string_view low = digits.substr(digits.size() - 19);
  return digits_value_128(digits.substr(0, digits.size() - 19)) * ten_to_19 +
         digits_value<uint64_t>(low);
}

// Also for integers narrower than 64 bits.
template <class Integer>
Spelling parse_small_integer(std::string_view text, Integer& value) {
  const bool negative = take_sign(text);
  if (text.empty() || count_digits(text) != text.size()) return Spelling::malformed;
  drop_leading_zeros(text);
  if (text.size() > 19) return Spelling::out_of_range;
  const uint64_t magnitude = digits_value<uint64_t>(text);
  const uint64_t largest = static_cast<uint64_t>(std::numeric_limits<Integer>::max());
  if (magnitude > largest + (negative ? 1 : 0)) return Spelling::out_of_range;
  value = static_cast<Integer>(negative ? 0 - magnitude : magnitude);
  return Spelling::ok;
}

// [+-]digits[.digits][e[+-]digits]; says whether any digit before the exponent is not 0.
bool is_number(std::string_view text, bool& is_zero) {
  take_sign(text);
  const std::string_view mantissa = text;
  size_t digits = count_digits(text);
  if (digits == 0) return false;
  text.remove_prefix(digits);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    digits = count_digits(text);
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  is_zero = mantissa.substr(0, mantissa.size() - text.size()).find_first_not_of("0.") ==
            std::string_view::npos;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  take_sign(text);
  return !text.empty() && count_digits(text) == text.size();
}

template <class Float>
Spelling parse_float(std::string_view text, Float& value) {
  bool is_zero = false;
  if (!is_number(text, is_zero)) return Spelling::malformed;
  if (text[0] == '+') text.remove_prefix(1);
  Float parsed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc() || (parsed == 0 && !is_zero)) {
    // from_chars calls an exponent of many digits out of range whatever it belongs to.
    if (!is_zero) return Spelling::out_of_range;
    parsed = 0;
  }
  value = parsed + Float{0};  // -0 becomes 0
  return Spelling::ok;
}

// Two digits at `at`, or -1.
int two_digits(std::string_view text, size_t at) {
  if (at + 2 > text.size() || !is_digit(text[at]) || !is_digit(text[at + 1])) return -1;
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

constexpr bool is_leap_year(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr int days_in_month(int year, int month) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

// Howard Hinnant's days_from_civil, for years from 1 on.
constexpr int32_t days_since_1970(int year, int month, int day) {
  if (month <= 2) --year;
  const int era = year / 400;
  const int year_of_era = year - era * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719'468;
}
static_assert(days_since_1970(1970, 1, 1) == 0);
static_assert(days_since_1970(1, 1, 1) == -719'162);
static_assert(days_since_1970(9999, 12, 31) == 2'932'896);

constexpr int64_t micros_per_second = 1'000'000;
constexpr int64_t micros_per_day = 86'400 * micros_per_second;

// The digits behind a second's point, which `text` starts with; takes them away.
Spelling take_fraction(std::string_view& text, int64_t& micros) {
  const size_t digits = count_digits(text);
  if (digits == 0) return Spelling::malformed;
  int64_t value = 0;
  for (size_t i = 0; i < 6; ++i) value = value * 10 + (i < digits ? text[i] - '0' : 0);
  Spelling result = Spelling::ok;
  for (size_t i = 6; i < digits; ++i) {
    if (text[i] != '0') result = Spelling::too_precise;
  }
  text.remove_prefix(digits);
  micros += value;
  return result;
}

// HH:MM[:SS[.digits]] at the beginning of `text`; takes it away.
Spelling take_time(std::string_view& text, int64_t& micros) {
  const int hour = two_digits(text, 0);
  const int minute = two_digits(text, 3);
  if (hour < 0 || minute < 0 || text[2] != ':') return Spelling::malformed;
  int second = 0;
  size_t length = 5;
  if (text.size() > 5 && text[5] == ':') {
    second = two_digits(text, 6);
    if (second < 0) return Spelling::malformed;
    length = 8;
  }
  text.remove_prefix(length);
  micros = ((hour * 60 + minute) * 60 + second) * micros_per_second;
  Spelling result = Spelling::ok;
  if (length == 8 && text.starts_with('.')) {
    text.remove_prefix(1);
    result = take_fraction(text, micros);
    if (result == Spelling::malformed) return result;
  }
  if (hour > 23 || minute > 59 || second > 59) return Spelling::no_such_date;
  return result;
}

bool parse_offset(std::string_view text, int64_t& micros) {
  micros = 0;
  if (text == "Z") return true;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const bool colon = text.size() == 6 && text[3] == ':';
  if (text.size() != 3 && text.size() != 5 && !colon) return false;
  const int hours = two_digits(text, 1);
  const int minutes = text.size() == 3 ? 0 : two_digits(text, colon ? 4 : 3);
  if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59) return false;
  micros = (hours * 60 + minutes) * 60 * micros_per_second * (text[0] == '-' ? -1 : 1);
  return true;
}

// A malformed rest outweighs what is wrong with the values before it.
Spelling worse(Spelling a, Spelling b) {
  if (a == Spelling::malformed || b == Spelling::malformed) return Spelling::malformed;
  return a != Spelling::ok ? a : b;
}

// A date, 'T' or a space, a time; takes them away.
Spelling take_date_and_time(std::string_view& text, int64_t& micros) {
  if (text.size() < 16 || (text[10] != 'T' && text[10] != ' ')) return Spelling::malformed;
  int32_t days = 0;
  const Spelling date = parse_date(text.substr(0, 10), days);
  text.remove_prefix(11);
  int64_t time_of_day = 0;
  const Spelling time = take_time(text, time_of_day);
  micros = days * micros_per_day + time_of_day;
  return worse(date, time);
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::string_view explain(Spelling spelling) {
  switch (spelling) {
    case Spelling::ok: return "is fine";
    case Spelling::malformed: return "is not spelled as the type wants it";
    case Spelling::out_of_range: return "is outside the type's range";
    case Spelling::too_precise: return "has more digits after the point than the type keeps";
    case Spelling::no_such_date: return "is a date or time that does not exist";
    case Spelling::missing_offset: return "has no offset from UTC, such as Z or +02:00";
    case Spelling::unexpected_offset: return "has an offset from UTC, which the type cannot hold";
  }
  return "is unknown";
}

Spelling parse_boolean(std::string_view text, bool& value) {
  const auto equals = [&](std::string_view word) {
    if (text.size() != word.size()) return false;
    for (size_t i = 0; i < text.size(); ++i) {
      if ((text[i] | 0x20) != word[i]) return false;
    }
    return true;
  };
  if (text == "1" || equals("true") || equals("t")) {
    value = true;
  } else if (text == "0" || equals("false") || equals("f")) {
    value = false;
  } else {
    return Spelling::malformed;
  }
  return Spelling::ok;
}

Spelling parse_integer(std::string_view text, int8_t& value) {
  return parse_small_integer(text, value);
}
Spelling parse_integer(std::string_view text, int16_t& value) {
  return parse_small_integer(text, value);
}
Spelling parse_integer(std::string_view text, int32_t& value) {
  return parse_small_integer(text, value);
}
Spelling parse_integer(std::string_view text, int64_t& value) {
  return parse_small_integer(text, value);
}

Spelling parse_integer(std::string_view text, __int128& value) {
  const bool negative = take_sign(text);
  if (text.empty() || count_digits(text) != text.size()) return Spelling::malformed;
  drop_leading_zeros(text);
  // 2^127 has 39 digits; a value of 39 digits is below 2^128 when it starts with 1 or 2.
  if (text.size() > 39 || (text.size() == 39 && text[0] > '2')) return Spelling::out_of_range;
  const unsigned __int128 magnitude = digits_value_128(text);
  const unsigned __int128 largest = ~static_cast<unsigned __int128>(0) >> 1;
  if (magnitude > largest + (negative ? 1 : 0)) return Spelling::out_of_range;
  value = static_cast<__int128>(negative ? 0 - magnitude : magnitude);
  return Spelling::ok;
}

Spelling parse_decimal(std::string_view text, int precision, int scale, __int128& unscaled) {
  WEIR_CHECK(precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision,
             "a decimal type that does not exist");
  const bool negative = take_sign(text);
  const size_t whole_digits = count_digits(text);
  if (whole_digits == 0) return Spelling::malformed;
  std::string_view whole = text.substr(0, whole_digits);
  std::string_view fraction;
  if (whole_digits < text.size()) {
    fraction = text.substr(whole_digits + 1);
    if (text[whole_digits] != '.' || fraction.empty() ||
        count_digits(fraction) != fraction.size()) {
      return Spelling::malformed;
    }
  }
  drop_leading_zeros(whole);
  if (whole == "0") whole = {};
  const size_t kept = static_cast<size_t>(scale);
  if (whole.size() > static_cast<size_t>(precision - scale)) return Spelling::out_of_range;
  if (fraction.size() > kept) {
    if (fraction.find_first_not_of('0', kept) != std::string_view::npos) {
      return Spelling::too_precise;
    }
    fraction = fraction.substr(0, kept);
  }
  unsigned __int128 value = digits_value_128(whole);
  for (const char c : fraction) value = value * 10 + static_cast<unsigned>(c - '0');
  for (size_t digits = fraction.size(); digits < kept; ++digits) value *= 10;
  unscaled = static_cast<__int128>(negative ? 0 - value : value);
  return Spelling::ok;
}

Spelling parse_double(std::string_view text, double& value) { return parse_float(text, value); }
Spelling parse_real(std::string_view text, float& value) { return parse_float(text, value); }

Spelling parse_date(std::string_view text, int32_t& days) {
  const int century = two_digits(text, 0);
  const int year_of_century = two_digits(text, 2);
  const int month = two_digits(text, 5);
  const int day = two_digits(text, 8);
  if (text.size() != 10 || century < 0 || year_of_century < 0 || month < 0 || day < 0 ||
      text[4] != '-' || text[7] != '-') {
    return Spelling::malformed;
  }
  const int year = century * 100 + year_of_century;
  if (month < 1 || month > 12 || day < 1) return Spelling::no_such_date;
  if (year == 0) return Spelling::out_of_range;
  if (day > days_in_month(year, month)) return Spelling::no_such_date;
  days = days_since_1970(year, month, day);
  return Spelling::ok;
}

Spelling parse_time(std::string_view text, int64_t& micros) {
  int64_t value = 0;
  const Spelling result = take_time(text, value);
  if (!text.empty()) return Spelling::malformed;
  if (result == Spelling::ok) micros = value;
  return result;
}

Spelling parse_timestamp(std::string_view text, int64_t& micros) {
  int64_t value = 0;
  const Spelling result = take_date_and_time(text, value);
  int64_t offset = 0;
  if (!text.empty() && result != Spelling::malformed) {
    return parse_offset(text, offset) ? Spelling::unexpected_offset : Spelling::malformed;
  }
  if (result == Spelling::ok) micros = value;
  return result;
}

Spelling parse_timestamptz(std::string_view text, int64_t& micros) {
  int64_t value = 0;
  const Spelling result = take_date_and_time(text, value);
  if (result == Spelling::malformed) return result;
  if (text.empty()) return Spelling::missing_offset;
  int64_t offset = 0;
  if (!parse_offset(text, offset)) return Spelling::malformed;
  if (result != Spelling::ok) return result;
  constexpr int64_t first = days_since_1970(1, 1, 1) * micros_per_day;
  constexpr int64_t behind = (days_since_1970(9999, 12, 31) + int64_t{1}) * micros_per_day;
  if (value - offset < first || value - offset >= behind) return Spelling::out_of_range;
  micros = value - offset;
  return Spelling::ok;
}

Spelling parse_uuid(std::string_view text, uint64_t& high, uint64_t& low) {
  if (text.size() != 36) return Spelling::malformed;
  uint64_t halves[2] = {0, 0};
  int digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return Spelling::malformed;
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return Spelling::malformed;
    uint64_t& half = halves[digits++ / 16];
    half = half << 4 | static_cast<uint64_t>(value);
  }
  high = halves[0];
  low = halves[1];
  return Spelling::ok;
}

Spelling parse_bytes(std::string_view text, std::string& value) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return Spelling::malformed;
  text.remove_prefix(2);
  value.clear();
  value.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return Spelling::malformed;
    value += static_cast<char>(high * 16 + low);
  }
  return Spelling::ok;
}

}  // namespace weir::text
