#include "mysql/value_text.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "base/json_text.h"

namespace weir::mysql {
namespace {

using server::ColumnView;
using server::Int128;
using Wide = __int128;
using UnsignedWide = unsigned __int128;

constexpr size_t number_room = 64;
constexpr int64_t microseconds_per_second = 1'000'000;
constexpr int64_t microseconds_per_day = 86'400 * microseconds_per_second;
constexpr int64_t first_day = -719'162;  // 0001-01-01
constexpr int64_t last_day = 2'932'896;  // 9999-12-31

Wide wide(const Int128& value) {
  return static_cast<Wide>((static_cast<UnsignedWide>(static_cast<uint64_t>(value.high)) << 64) |
                           value.low);
}

template <typename Integer>
bool write_integer(const ColumnView& column, size_t row, TextBuffer& out) {
  char* at = out.room(number_room);
  out.end_at(std::to_chars(at, at + number_room, column.at<Integer>(row)).ptr);
  return true;
}

/// Digits of a number of any width, without leading zeros; "0" is one digit.
char* write_digits(UnsignedWide value, char* at) {
  constexpr uint64_t chunk = 10'000'000'000'000'000'000U;  // 10^19
  if (value >> 64 == 0) return std::to_chars(at, at + 20, static_cast<uint64_t>(value)).ptr;
  at = write_digits(value / chunk, at);
  auto rest = static_cast<uint64_t>(value % chunk);
  for (int i = 18; i >= 0; --i, rest /= 10) at[i] = static_cast<char>('0' + rest % 10);
  return at + 19;
}

bool write_hugeint(const ColumnView& column, size_t row, TextBuffer& out) {
  const Wide value = wide(column.at<Int128>(row));
  char* at = out.room(number_room);
  if (value < 0) *at++ = '-';
  out.end_at(write_digits(value < 0 ? -static_cast<UnsignedWide>(value) : value, at));
  return true;
}

template <typename Cell>
bool write_decimal(const ColumnView& column, size_t row, TextBuffer& out) {
  Wide value = 0;
  if constexpr (std::is_same_v<Cell, Int128>) {
    value = wide(column.at<Int128>(row));
  } else {
    value = column.at<Cell>(row);
  }
  const auto scale = static_cast<size_t>(column.type->scale);
  char digits[48];
  const auto count = static_cast<size_t>(
      write_digits(value < 0 ? -static_cast<UnsignedWide>(value) : value, digits) - digits);
  char* at = out.room(2 * number_room);
  if (value < 0) *at++ = '-';
  const size_t whole = count > scale ? count - scale : 0;
  if (whole == 0) *at++ = '0';
  std::memcpy(at, digits, whole);
  at += whole;
  if (scale > 0) {
    *at++ = '.';
    for (size_t i = count; i < scale; ++i) *at++ = '0';
    std::memcpy(at, digits + whole, count - whole);
    at += count - whole;
  }
  out.end_at(at);
  return true;
}

bool write_double(double value, TextBuffer& out) {
  if (!std::isfinite(value)) return false;
  if (value == 0) value = 0;  // no -0: weir has one zero
  char* at = out.room(number_room);
  out.end_at(std::to_chars(at, at + number_room, value == 0 ? 0.0 : value).ptr);
  return true;
}

bool write_double(const ColumnView& column, size_t row, TextBuffer& out) {
  return write_double(column.at<double>(row), out);
}

bool write_real(const ColumnView& column, size_t row, TextBuffer& out) {
  const float value = column.at<float>(row);
  if (!std::isfinite(value)) return false;
  if (value == 0) return write_double(0, out);
  char* at = out.room(number_room);
  char* end = std::to_chars(at, at + number_room, value).ptr;
  // The server reads a double and rounds that: twice rounded may be another float, and the largest
  // one's shortest text is a double beyond it.
  double read = 0;
  std::from_chars(at, end, read);
  if (static_cast<float>(read) != value || std::abs(read) > std::numeric_limits<float>::max())
    return write_double(static_cast<double>(value), out);
  out.end_at(end);
  return true;
}

char* two_digits(char* at, unsigned value) {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
  return at + 2;
}

/// The Gregorian date of a day since 1970, by Howard Hinnant's `civil_from_days`.
char* write_day(int64_t days, char* at) {
  days += 719'468;
  const int64_t era = days / 146'097;  // no day before the year 1 comes here
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;  // 0 = March
  const unsigned day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const auto year = static_cast<unsigned>(era * 400) + year_of_era + (month <= 2 ? 1 : 0);
  at = two_digits(two_digits(at, year / 100), year % 100);
  *at++ = '-';
  at = two_digits(at, month);
  *at++ = '-';
  return two_digits(at, day);
}

char* write_time_of_day(int64_t microseconds, char* at) {
  const auto seconds = static_cast<unsigned>(microseconds / microseconds_per_second);
  auto fraction = static_cast<unsigned>(microseconds % microseconds_per_second);
  at = two_digits(at, seconds / 3600);
  *at++ = ':';
  at = two_digits(at, seconds / 60 % 60);
  *at++ = ':';
  at = two_digits(at, seconds % 60);
  if (fraction == 0) return at;
  *at++ = '.';
  for (int i = 5; i >= 0; --i, fraction /= 10) at[i] = static_cast<char>('0' + fraction % 10);
  return at + 6;
}

bool write_date(const ColumnView& column, size_t row, TextBuffer& out) {
  const int64_t days = column.at<int32_t>(row);
  if (days < first_day || days > last_day) return false;
  out.end_at(write_day(days, out.room(number_room)));
  return true;
}

bool write_time(const ColumnView& column, size_t row, TextBuffer& out) {
  const int64_t time = column.at<int64_t>(row);
  if (time < 0 || time >= microseconds_per_day) return false;
  out.end_at(write_time_of_day(time, out.room(number_room)));
  return true;
}

bool write_timestamp(const ColumnView& column, size_t row, TextBuffer& out) {
  const int64_t moment = column.at<int64_t>(row);
  int64_t days = moment / microseconds_per_day;
  int64_t time = moment % microseconds_per_day;
  if (time < 0) {
    time += microseconds_per_day;
    --days;
  }
  if (days < first_day || days > last_day) return false;
  char* at = write_day(days, out.room(number_room));
  *at++ = ' ';
  out.end_at(write_time_of_day(time, at));
  return true;
}

constexpr char hex_digits[] = "0123456789abcdef";

bool write_uuid(const ColumnView& column, size_t row, TextBuffer& out) {
  const auto& value = column.at<Int128>(row);
  const uint64_t parts[2] = {static_cast<uint64_t>(value.high) ^ (uint64_t{1} << 63), value.low};
  char* at = out.room(36);
  for (unsigned i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) *at++ = '-';
    *at++ = hex_digits[parts[i / 16] >> (60 - 4 * (i % 16)) & 15];
  }
  out.end_at(at);
  return true;
}

bool write_element(const ColumnView& elements, size_t row, TextBuffer& out) {
  if (elements.is_null(row)) {
    out.append("null");
    return true;
  }
  const TypeKind kind = elements.type->kind;
  switch (kind) {
    case TypeKind::boolean: out.append(elements.at<uint8_t>(row) != 0 ? "true" : "false"); break;
    case TypeKind::varchar: out.append(json_quoted(elements.text(row))); break;
    case TypeKind::json: out.append(elements.text(row)); break;
    case TypeKind::bytes:
      out.append("\"\\\\x");
      write_hex(elements.text(row), out);
      out.append('"');
      break;
    case TypeKind::list: return write_list(elements, row, out);
    default: {
      const bool bare = is_number(kind);
      if (!bare) out.append('"');
      if (!value_writer(*elements.type)(elements, row, out)) return false;
      if (kind == TypeKind::timestamptz) out.append("+00");
      if (!bare) out.append('"');
    }
  }
  return true;
}

}  // namespace

WriteValue value_writer(const DataType& type) {
  switch (type.kind) {
    case TypeKind::boolean: return write_integer<uint8_t>;
    case TypeKind::tinyint: return write_integer<int8_t>;
    case TypeKind::smallint: return write_integer<int16_t>;
    case TypeKind::integer: return write_integer<int32_t>;
    case TypeKind::bigint: return write_integer<int64_t>;
    case TypeKind::hugeint: return write_hugeint;
    case TypeKind::real: return write_real;
    case TypeKind::double_: return write_double;
    case TypeKind::decimal:
      if (type.precision <= 4) return write_decimal<int16_t>;
      if (type.precision <= 9) return write_decimal<int32_t>;
      if (type.precision <= 18) return write_decimal<int64_t>;
      return write_decimal<Int128>;
    case TypeKind::date: return write_date;
    case TypeKind::time: return write_time;
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return write_timestamp;
    case TypeKind::uuid: return write_uuid;
    case TypeKind::varchar:
    case TypeKind::json:
    case TypeKind::bytes:
    case TypeKind::list: return nullptr;
  }
  return nullptr;
}

bool write_list(const ColumnView& column, size_t row, TextBuffer& out) {
  const auto& entry = column.at<server::ListEntry>(row);
  out.append('[');
  for (uint64_t i = 0; i < entry.length; ++i) {
    if (i > 0) out.append(',');
    if (!write_element(*column.elements, entry.offset + i, out)) return false;
  }
  out.append(']');
  return true;
}

void write_hex(std::string_view bytes, TextBuffer& out) {
  char* at = out.room(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *at++ = hex_digits[byte >> 4];
    *at++ = hex_digits[byte & 15];
  }
  out.end_at(at);
}

}  // namespace weir::mysql
