// Any bytes as a value of every type: never crashes, and what is accepted can be written out and
// read back as the same value.
#include <simdjson.h>

#include <charconv>
#include <string>

#include "base/check.h"
#include "text/spelling.h"

namespace weir::text {
namespace {

std::string to_text(__int128 value) {
  const bool negative = value < 0;
  unsigned __int128 rest = static_cast<unsigned __int128>(value);
  if (negative) rest = 0 - rest;
  std::string digits;
  do {
    digits.insert(0, 1, static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest > 0);
  return (negative ? "-" : "") + digits;
}

template <class Integer>
void check_integer(std::string_view text) {
  Integer value = 0;
  __int128 wide = 0;
  const Spelling result = parse_integer(text, value);
  const Spelling wide_result = parse_integer(text, wide);
  WEIR_CHECK((result == Spelling::malformed) == (wide_result == Spelling::malformed),
             "all integers have one grammar");
  const bool fits = wide_result == Spelling::ok && static_cast<Integer>(wide) == wide;
  WEIR_CHECK((result == Spelling::ok) == fits, "an integer is taken when it fits");
  WEIR_CHECK(!fits || value == wide, "all widths read the same value");
  Integer again = 0;
  WEIR_CHECK(!fits || (parse_integer(to_text(value), again) == Spelling::ok && again == value),
             "an integer is read back");
}

void check_decimal(std::string_view text) {
  for (const auto& [precision, scale] : {std::pair{38, 0}, std::pair{5, 2}, std::pair{38, 38}}) {
    __int128 value = 0;
    if (parse_decimal(text, precision, scale, value) != Spelling::ok) continue;
    __int128 limit = 1;
    for (int i = 0; i < precision; ++i) limit *= 10;
    WEIR_CHECK(value < limit && value > -limit, "a decimal keeps within its precision");
    double approximate = 0;
    WEIR_CHECK(parse_double(text, approximate) != Spelling::malformed,
               "what is a decimal is a number");
  }
}

void check_double(std::string_view text) {
  double value = 0;
  if (parse_double(text, value) != Spelling::ok) return;
  char digits[64];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  double again = 0;
  WEIR_CHECK(error == std::errc() &&
                 parse_double({digits, static_cast<size_t>(end - digits)}, again) == Spelling::ok &&
                 again == value,
             "a double is read back");
}

void check_times(std::string_view text) {
  int32_t days = 0;
  int64_t micros = 0;
  if (parse_date(text, days) == Spelling::ok) {
    WEIR_CHECK(days >= -719'162 && days <= 2'932'896, "a date is within its range");
    const std::string with_time = std::string(text) + "T00:00";
    WEIR_CHECK(parse_timestamp(with_time, micros) == Spelling::ok &&
                   micros == days * int64_t{86'400'000'000},
               "a date begins at midnight");
  }
  if (parse_time(text, micros) == Spelling::ok) {
    WEIR_CHECK(micros >= 0 && micros < 86'400'000'000, "a time is within its day");
  }
  int64_t utc = 0;
  const bool has_none = parse_timestamp(text, micros) == Spelling::ok;
  const bool has_offset = parse_timestamptz(text, utc) == Spelling::ok;
  WEIR_CHECK(!has_none || !has_offset, "a timestamp has an offset or it has none");
  if (has_none) {
    WEIR_CHECK(parse_timestamptz(std::string(text) + "Z", utc) == Spelling::ok && utc == micros,
               "Z is no offset");
  }
  if (has_offset) {
    WEIR_CHECK(parse_timestamp(text, micros) != Spelling::malformed, "the rest is a timestamp");
  }
}

void check_json(std::string_view text) {
  const simdjson::padded_string padded(text.data(), text.size());
  simdjson::dom::parser parser;
  const simdjson::error_code error = parser.parse(padded).error();
  if (is_valid_json(text) == (error == simdjson::SUCCESS)) return;
  // simdjson reads numbers, too, and refuses one that no double holds; its depth counts otherwise;
  // and it skips a byte order mark.
  WEIR_CHECK(error == simdjson::NUMBER_ERROR || error == simdjson::DEPTH_ERROR ||
                 text.starts_with("\xef\xbb\xbf"),
             "another parser says the same");
}

}  // namespace
}  // namespace weir::text

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::text;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_integer<int8_t>(text);
  check_integer<int16_t>(text);
  check_integer<int32_t>(text);
  check_integer<int64_t>(text);
  check_decimal(text);
  check_double(text);
  check_times(text);
  check_json(text);
  bool truth = false;
  uint64_t high = 0;
  uint64_t low = 0;
  std::string bytes;
  (void)parse_boolean(text, truth);
  (void)parse_uuid(text, high, low);
  (void)parse_bytes(text, bytes);
  if (is_valid_utf8(text)) WEIR_CHECK(count_code_points(text) <= size, "points take bytes");
  return 0;
}
