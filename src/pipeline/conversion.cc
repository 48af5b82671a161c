#include "pipeline/conversion.h"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace weir::pipeline {
namespace {

constexpr std::array integer_types = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"};

std::optional<size_t> integer_width(const std::string& type) {
  for (size_t i = 0; i < integer_types.size(); ++i) {
    if (type == integer_types[i]) return i;
  }
  return std::nullopt;
}

Result<Conversion> from_text(duckdb::Database& database, const std::string& text,
                             const DataType& to) {
  if (to.kind == TypeKind::varchar) return Conversion{text, false};
  if (to.kind == TypeKind::json) {
    return Conversion{fmt::format("CASE WHEN json_valid({0}) THEN CAST({0} AS JSON) END", text),
                      true};
  }
  if (to.kind == TypeKind::list) {
    return fail(ErrorCode::sql, "text does not become " + to.to_string(),
                "declare the source column as " + to.to_string() + ", or split the text in SQL");
  }
  const std::string function = WEIR_TRY(database.parse_function(to));
  return Conversion{fmt::format("{}({})", function, text), true};
}

enum class Family { number, boolean, day, time, uuid, bytes, nested, other };

/// Types of one family hold the same kind of value; between families there is no honest cast.
Family family(const std::string& type) {
  if (type.ends_with("]") || type.starts_with("STRUCT") || type.starts_with("MAP")) {
    return Family::nested;
  }
  if (integer_width(type) || type.starts_with("DECIMAL") || type == "FLOAT" || type == "DOUBLE" ||
      (type.starts_with("U") && type.ends_with("INT")) || type == "UINTEGER") {
    return Family::number;
  }
  if (type == "BOOLEAN") return Family::boolean;
  if (type == "DATE" || type.starts_with("TIMESTAMP")) return Family::day;
  if (type.starts_with("TIME")) return Family::time;
  if (type == "UUID") return Family::uuid;
  return type == "BLOB" ? Family::bytes : Family::other;
}

/// The zone question has no silent answer.
Result<void> refuse_zone_change(const std::string& from, const DataType& to) {
  const bool from_zoned = from == "TIMESTAMP WITH TIME ZONE";
  const bool to_local =
      to.kind == TypeKind::timestamp || to.kind == TypeKind::date || to.kind == TypeKind::time;
  if (from_zoned && to_local) {
    return fail(ErrorCode::sql,
                "a timestamp with time zone would lose its offset as " + to.to_string(),
                "say in which zone: timezone('UTC', …)");
  }
  if ((from == "TIMESTAMP" || from == "DATE") && to.kind == TypeKind::timestamptz) {
    return fail(ErrorCode::sql, "a " + from + " has no offset and cannot become timestamptz",
                "say which zone it is in: timezone('UTC', …)");
  }
  return {};
}

}  // namespace

Result<Conversion> convert(duckdb::Database& database, const std::string& value,
                           const std::string& from, const DataType& to) {
  const std::string target = duckdb::sql_type(to);
  if (from == target) return Conversion{value, false};
  if (from == "\"NULL\"") return Conversion{fmt::format("CAST(NULL AS {})", target), false};
  if (from == "VARCHAR") return from_text(database, value, to);
  if (from == "JSON") return from_text(database, fmt::format("({} ->> '$')", value), to);
  if (to.kind == TypeKind::varchar) {
    if (from == "BLOB") {
      return fail(ErrorCode::sql, "bytes do not become varchar by themselves",
                  "say how: decode(…), hex(…) or base64(…)");
    }
    return Conversion{fmt::format("CAST({} AS VARCHAR)", value), false};
  }
  if (to.kind == TypeKind::json) {
    return Conversion{fmt::format("to_json({})", value), false};
  }
  WEIR_TRY(refuse_zone_change(from, to));
  if (family(from) != family(target)) {
    return fail(ErrorCode::sql, from + " does not become " + to.to_string(),
                "say in SQL how, or change the column's type");
  }
  const auto from_width = integer_width(from);
  const auto to_width = integer_width(target);
  if (from_width && to_width && *from_width <= *to_width) {
    return Conversion{fmt::format("CAST({} AS {})", value, target), false};
  }
  return Conversion{
      fmt::format("CASE WHEN TRY_CAST(TRY_CAST({0} AS {1}) AS {2}) IS NOT DISTINCT FROM {0} "
                  "THEN TRY_CAST({0} AS {1}) END",
                  value, target, from),
      true};
}

Result<void> prepare_conversions(duckdb::Database& database, const Table& table) {
  for (const Column& column : table.columns) {
    const TypeKind kind = column.type.kind;
    if (kind == TypeKind::varchar || kind == TypeKind::json || kind == TypeKind::list) continue;
    WEIR_TRY(database.parse_function(column.type));
  }
  return {};
}

}  // namespace weir::pipeline
