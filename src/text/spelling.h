#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::text {

/// What became of a text that should spell a value. Each type has exactly the spellings listed in
/// docs/reference/types.md, whatever the locale; nothing is trimmed, rounded or guessed.
enum class Spelling : uint8_t {
  ok,
  malformed,          ///< not the type's grammar
  out_of_range,       ///< the right grammar, but the type cannot hold it
  too_precise,        ///< more digits after the point than the type keeps, and not zeros
  no_such_date,       ///< a day or time the calendar does not have
  missing_offset,     ///< timestamptz needs Z or ±HH:MM
  unexpected_offset,  ///< timestamp has none: dropping it would change the moment
};

/// "is not in the type's spelling", "is out of range", …: what is wrong with it, after the value.
std::string_view explain(Spelling spelling);

/// true, false, t, f in any ASCII case; 1, 0.
[[nodiscard]] Spelling parse_boolean(std::string_view text, bool& value);

/// [+-]digits; leading zeros are fine.
[[nodiscard]] Spelling parse_integer(std::string_view text, int8_t& value);
[[nodiscard]] Spelling parse_integer(std::string_view text, int16_t& value);
[[nodiscard]] Spelling parse_integer(std::string_view text, int32_t& value);
[[nodiscard]] Spelling parse_integer(std::string_view text, int64_t& value);
[[nodiscard]] Spelling parse_integer(std::string_view text, __int128& value);

/// [+-]digits[.digits], no exponent. At most precision − scale digits before the point (leading
/// zeros do not count); digits behind the scale must be zeros. `unscaled` is value × 10^scale.
/// 1 ≤ precision ≤ 38, 0 ≤ scale ≤ precision.
[[nodiscard]] Spelling parse_decimal(std::string_view text, int precision, int scale,
                                     __int128& unscaled);

/// [+-]digits[.digits][e[+-]digits], the nearest value. No inf, no nan; too large or too small for
/// the type (not zero, yet nearest to zero) is out of range. -0 is 0: engines keep them apart by
/// luck.
[[nodiscard]] Spelling parse_double(std::string_view text, double& value);
[[nodiscard]] Spelling parse_real(std::string_view text, float& value);

/// YYYY-MM-DD, 0001-01-01 to 9999-12-31, in the Gregorian calendar. Days since 1970-01-01.
[[nodiscard]] Spelling parse_date(std::string_view text, int32_t& days);
/// HH:MM[:SS[.digits]], 00:00 to 23:59:59.999999. Microseconds since midnight.
[[nodiscard]] Spelling parse_time(std::string_view text, int64_t& micros);
/// A date, 'T' or one space, a time; no offset. Microseconds since 1970-01-01T00:00:00.
[[nodiscard]] Spelling parse_timestamp(std::string_view text, int64_t& micros);
/// The same with an offset: Z, ±HH, ±HHMM or ±HH:MM, at most 15:59. Microseconds since
/// 1970-01-01T00:00:00Z; the moment must lie within the years 0001 to 9999 of UTC.
[[nodiscard]] Spelling parse_timestamptz(std::string_view text, int64_t& micros);

/// 8-4-4-4-12 hexadecimal digits of either case, no braces. The first 16 digits and the last 16.
[[nodiscard]] Spelling parse_uuid(std::string_view text, uint64_t& high, uint64_t& low);

/// \x and then two hexadecimal digits per byte: what DuckDB and Postgres print. (Base64 is not
/// taken: any word of four letters is valid base64.) `value` is overwritten.
[[nodiscard]] Spelling parse_bytes(std::string_view text, std::string& value);

[[nodiscard]] bool is_valid_utf8(std::string_view text);
/// Code points in valid UTF-8.
[[nodiscard]] size_t count_code_points(std::string_view text);

/// Whether `text` is one JSON value (RFC 8259) in valid UTF-8, blanks around it allowed, nested at
/// most `depth` deep (itself at most 1024). Lone surrogate escapes are refused: no UTF-8 text can
/// hold what they mean. Uses no stack per level.
[[nodiscard]] bool is_valid_json(std::string_view text, int depth = 1024);

}  // namespace weir::text
