#include "pipeline/parameter_value.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "duckdb/database.h"
#include "postgres/types.h"
#include "text/spelling.h"
#include "text/written_value.h"

namespace weir::pipeline {
namespace {

/// "+007" to "7".
std::string plain_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  return negative && text != "0" ? "-" + std::string(text) : std::string(text);
}

std::string plain_boolean(std::string_view text, Engine engine) {
  bool value = false;
  static_cast<void>(text::parse_boolean(text, value));
  if (engine == Engine::mysql) return value ? "1" : "0";
  return value ? "true" : "false";
}

std::string moment(int64_t micros, bool zoned) {
  std::string text = format_timestamp(Timestamp(std::chrono::microseconds(micros)));
  if (!zoned) text.pop_back();  // the Z
  return text;
}

std::string plain_timestamp(const DataType& type, std::string_view text, Engine engine) {
  int64_t micros = 0;
  if (type.kind == TypeKind::timestamp) {
    static_cast<void>(text::parse_timestamp(text, micros));
    return moment(micros, false);
  }
  static_cast<void>(text::parse_timestamptz(text, micros));
  // MySQL's moments have no zone, and mean UTC.
  return moment(micros, engine != Engine::mysql);
}

std::string plain_time(std::string_view text) {
  int64_t micros = 0;
  static_cast<void>(text::parse_time(text, micros));
  return moment(micros, false).substr(std::string_view("1970-01-01T").size());
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
  return out;
}

std::string mysql_type(const DataType& type) {
  switch (type.kind) {
    case TypeKind::boolean:
    case TypeKind::tinyint:
    case TypeKind::smallint:
    case TypeKind::integer:
    case TypeKind::bigint: return "SIGNED";
    case TypeKind::hugeint: return "DECIMAL(39,0)";
    case TypeKind::decimal: return fmt::format("DECIMAL({},{})", type.precision, type.scale);
    case TypeKind::real:
    case TypeKind::double_: return "DOUBLE";
    case TypeKind::date: return "DATE";
    case TypeKind::time: return "TIME(6)";
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return "DATETIME(6)";
    default: return "CHAR";
  }
}

}  // namespace

Result<std::string> parameter_value(const DataType& type, std::string_view text, Engine engine) {
  const std::string written = WEIR_TRY(text::written_value(type, text));
  switch (type.kind) {
    case TypeKind::boolean: return plain_boolean(written, engine);
    case TypeKind::tinyint:
    case TypeKind::smallint:
    case TypeKind::integer:
    case TypeKind::bigint:
    case TypeKind::hugeint: return plain_integer(written);
    case TypeKind::decimal:
    case TypeKind::real:
    case TypeKind::double_: return written.substr(written.starts_with('+') ? 1 : 0);
    case TypeKind::time: return plain_time(written);
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return plain_timestamp(type, written, engine);
    case TypeKind::uuid: return lower_case(written);
    case TypeKind::bytes:  // the digits alone, for unhex()
      return engine == Engine::postgres ? written : written.substr(2);
    case TypeKind::varchar:
      if (engine == Engine::postgres && written.find('\0') != std::string::npos) {
        return fail(ErrorCode::invalid_input, "it holds a NUL character, which Postgres has not",
                    "leave it out");
      }
      break;
    case TypeKind::date:
    case TypeKind::json:
    case TypeKind::list: break;
  }
  return written;
}

std::string parameter_cast(const DataType& type, std::string_view argument, Engine engine) {
  if (engine == Engine::postgres) {
    return fmt::format("CAST({} AS {})", argument, postgres::column_type(type));
  }
  if (type.kind == TypeKind::bytes) {
    return engine == Engine::mysql ? fmt::format("unhex({})", argument)
                                   : fmt::format("unhex(CAST({} AS VARCHAR))", argument);
  }
  return fmt::format("CAST({} AS {})", argument,
                     engine == Engine::mysql ? mysql_type(type) : duckdb::sql_type(type));
}

}  // namespace weir::pipeline
