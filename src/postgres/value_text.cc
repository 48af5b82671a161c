#include "postgres/value_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

namespace weir::postgres {

using server::ColumnView;
using server::Int128;
using server::ListEntry;

namespace {

constexpr int64_t second_micros = 1'000'000;
constexpr int64_t day_micros = 86'400 * second_micros;

void append_integer(__int128 value, int scale, std::string& out) {
  const bool negative = value < 0;
  auto rest = static_cast<unsigned __int128>(value);
  if (negative) rest = -rest;
  char digits[48];
  char* begin = std::end(digits);
  int written = 0;
  while (rest != 0 || written <= scale) {
    if (written == scale && scale != 0) *--begin = '.';
    *--begin = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    ++written;
  }
  if (negative) *--begin = '-';
  out.append(begin, std::end(digits));
}

__int128 wide(const Int128& value) {
  return static_cast<__int128>(static_cast<unsigned __int128>(value.high) << 64 | value.low);
}

template <typename Float>
void append_float(Float value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
  } else {
    char text[64];
    out.append(text, std::to_chars(text, std::end(text), value).ptr);
  }
}

/// Gives whether the year is one before 1, which Postgres tells by a BC behind everything.
bool append_day(int64_t days, std::string& out) {
  // Days from 0000-03-01, the algorithm of chrono's calendars, for years beyond theirs.
  const int64_t shifted = days + 719'468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const bool before = year < 1;
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}", before ? 1 - year : year, month,
                 day);
  return before;
}

void append_time(int64_t micros, std::string& out) {
  const int64_t seconds = micros / second_micros;
  fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60,
                 seconds % 60);
  if (micros % second_micros != 0) {
    fmt::format_to(std::back_inserter(out), ".{:06}", micros % second_micros);
  }
}

template <typename Value>
bool append_infinity(Value value, std::string& out) {
  constexpr Value largest = std::numeric_limits<Value>::max();
  if (value != largest && value != -largest) return false;
  out += value < 0 ? "-infinity" : "infinity";
  return true;
}

void append_date(int32_t days, std::string& out) {
  if (append_infinity(days, out)) return;
  if (append_day(days, out)) out += " BC";
}

void append_timestamp(int64_t micros, std::string_view offset, std::string& out) {
  if (append_infinity(micros, out)) return;
  int64_t days = micros / day_micros;
  int64_t rest = micros % day_micros;
  if (rest < 0) {
    rest += day_micros;
    --days;
  }
  const bool before = append_day(days, out);
  out += ' ';
  append_time(rest, out);
  out += offset;
  if (before) out += " BC";
}

void append_hexadecimal(std::string_view bytes, std::string& out) {
  static constexpr char digits[] = "0123456789abcdef";
  out += "\\x";
  for (const char byte : bytes) {
    out += digits[static_cast<unsigned char>(byte) >> 4];
    out += digits[byte & 15];
  }
}

void append_uuid(const Int128& value, std::string& out) {
  const uint64_t high = static_cast<uint64_t>(value.high) ^ (uint64_t{1} << 63);
  fmt::format_to(std::back_inserter(out), "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32,
                 high >> 16 & 0xffff, high & 0xffff, value.low >> 48,
                 value.low & 0xffff'ffff'ffffULL);
}

void append_decimal(const DataType& type, const ColumnView& column, size_t row, std::string& out) {
  if (type.precision <= 4) return append_integer(column.at<int16_t>(row), type.scale, out);
  if (type.precision <= 9) return append_integer(column.at<int32_t>(row), type.scale, out);
  if (type.precision <= 18) return append_integer(column.at<int64_t>(row), type.scale, out);
  append_integer(wide(column.at<Int128>(row)), type.scale, out);
}

void append_list(const DataType& type, const ColumnView& column, size_t row, std::string& out) {
  const auto& entry = column.at<ListEntry>(row);
  out += '{';
  std::string element;
  for (size_t i = entry.offset; i < entry.offset + entry.length; ++i) {
    if (i != entry.offset) out += ',';
    if (column.elements->is_null(i)) {
      out += "NULL";
      continue;
    }
    element.clear();
    append_value(*type.element, *column.elements, i, element);
    out += '"';
    for (const char byte : element) {
      if (byte == '"' || byte == '\\') out += '\\';
      out += byte;
    }
    out += '"';
  }
  out += '}';
}

}  // namespace

void append_value(const DataType& type, const ColumnView& column, size_t row, std::string& out) {
  switch (type.kind) {
    case TypeKind::boolean: out += column.at<uint8_t>(row) != 0 ? "true" : "false"; return;
    case TypeKind::tinyint: return append_integer(column.at<int8_t>(row), 0, out);
    case TypeKind::smallint: return append_integer(column.at<int16_t>(row), 0, out);
    case TypeKind::integer: return append_integer(column.at<int32_t>(row), 0, out);
    case TypeKind::bigint: return append_integer(column.at<int64_t>(row), 0, out);
    case TypeKind::hugeint: return append_integer(wide(column.at<Int128>(row)), 0, out);
    case TypeKind::decimal: return append_decimal(type, column, row, out);
    case TypeKind::real: return append_float(column.at<float>(row), out);
    case TypeKind::double_: return append_float(column.at<double>(row), out);
    case TypeKind::varchar:
    case TypeKind::json: out += column.text(row); return;
    case TypeKind::bytes: return append_hexadecimal(column.text(row), out);
    case TypeKind::date: return append_date(column.at<int32_t>(row), out);
    case TypeKind::time: return append_time(column.at<int64_t>(row), out);
    case TypeKind::timestamp: return append_timestamp(column.at<int64_t>(row), "", out);
    case TypeKind::timestamptz: return append_timestamp(column.at<int64_t>(row), "+00", out);
    case TypeKind::uuid: return append_uuid(column.at<Int128>(row), out);
    case TypeKind::list: return append_list(type, column, row, out);
  }
}

}  // namespace weir::postgres
