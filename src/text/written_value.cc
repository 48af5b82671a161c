#include "text/written_value.h"

#include "text/spelling.h"

namespace weir::text {
namespace {

constexpr size_t quoted_bytes = 60;

Error misfit(const DataType& type, std::string_view text, std::string fix) {
  std::string shown(text.substr(0, quoted_bytes));
  if (text.size() > quoted_bytes) shown += "…";
  return {ErrorCode::invalid_input, "'" + shown + "' does not fit " + type.to_string(),
          std::move(fix)};
}

/// "12.00" to "12"; anything else stays.
std::string_view without_zero_fraction(std::string_view text) {
  const size_t point = text.find('.');
  if (point == std::string_view::npos || point + 1 == text.size()) return text;
  const bool zeros = text.find_first_not_of('0', point + 1) == std::string_view::npos;
  return zeros ? text.substr(0, point) : text;
}

template <class T>
bool is_integer(std::string_view text) {
  T value = 0;
  return parse_integer(text, value) == Spelling::ok;
}

bool fits_integer(TypeKind kind, std::string_view text) {
  switch (kind) {
    case TypeKind::tinyint: return is_integer<int8_t>(text);
    case TypeKind::smallint: return is_integer<int16_t>(text);
    case TypeKind::integer: return is_integer<int32_t>(text);
    case TypeKind::bigint: return is_integer<int64_t>(text);
    default: return is_integer<__int128>(text);
  }
}

bool is_date(std::string_view text) {
  int32_t days = 0;
  return parse_date(text, days) == Spelling::ok;
}

Result<std::string> written_timestamp(const DataType& type, std::string_view text) {
  int64_t micros = 0;
  const bool zoned = type.kind == TypeKind::timestamptz;
  const Spelling spelling = zoned ? parse_timestamptz(text, micros) : parse_timestamp(text, micros);
  if (spelling == Spelling::ok) return std::string(text);
  if (!zoned && is_date(text)) return std::string(text) + "T00:00:00";
  return fail(misfit(type, text,
                     zoned ? "write it with its offset, like 2026-11-20T00:05:00Z"
                           : "write it like 2026-11-20T00:05:00"));
}

Result<std::string> written_varchar(const DataType& type, std::string_view text) {
  if (!is_valid_utf8(text)) return fail(misfit(type, "?", "write it as UTF-8"));
  if (type.length > 0 && count_code_points(text) > static_cast<size_t>(type.length)) {
    return fail(misfit(type, text, "shorten it"));
  }
  return std::string(text);
}

std::string_view example(TypeKind kind) {
  switch (kind) {
    case TypeKind::boolean: return "write true or false";
    case TypeKind::date: return "write it like 2026-11-20";
    case TypeKind::time: return "write it like 09:30:00";
    case TypeKind::uuid: return "write it like 00112233-4455-6677-8899-aabbccddeeff";
    case TypeKind::bytes: return "write it like \\x00ff";
    case TypeKind::json: return "write a list or a map, or JSON text in quotes";
    case TypeKind::list: return "write a list";
    default: return {};
  }
}

bool fits(const DataType& type, std::string_view text) {
  switch (type.kind) {
    case TypeKind::boolean: {
      bool value = false;
      return parse_boolean(text, value) == Spelling::ok;
    }
    case TypeKind::real: {
      float value = 0;
      return parse_real(text, value) == Spelling::ok;
    }
    case TypeKind::double_: {
      double value = 0;
      return parse_double(text, value) == Spelling::ok;
    }
    case TypeKind::decimal: {
      __int128 value = 0;
      return parse_decimal(text, type.precision, type.scale, value) == Spelling::ok;
    }
    case TypeKind::date: return is_date(text);
    case TypeKind::time: {
      int64_t micros = 0;
      return parse_time(text, micros) == Spelling::ok;
    }
    case TypeKind::uuid: {
      uint64_t high = 0, low = 0;
      return parse_uuid(text, high, low) == Spelling::ok;
    }
    case TypeKind::bytes: {
      std::string bytes;
      return parse_bytes(text, bytes) == Spelling::ok;
    }
    case TypeKind::json: return is_valid_json(text, 999);
    case TypeKind::list: return text.starts_with('[') && is_valid_json(text, 999);
    default: return false;
  }
}

}  // namespace

Result<std::string> written_value(const DataType& type, std::string_view text) {
  switch (type.kind) {
    case TypeKind::tinyint:
    case TypeKind::smallint:
    case TypeKind::integer:
    case TypeKind::bigint:
    case TypeKind::hugeint: {
      const std::string_view whole = without_zero_fraction(text);
      if (fits_integer(type.kind, whole)) return std::string(whole);
      return fail(misfit(type, text, "write a whole number that the type can hold"));
    }
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return written_timestamp(type, text);
    case TypeKind::varchar: return written_varchar(type, text);
    default: break;
  }
  if (!fits(type, text)) return fail(misfit(type, text, std::string(example(type.kind))));
  return std::string(text);
}

}  // namespace weir::text
