#include "postgres/types.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "postgres/column_plan.h"

namespace weir::postgres {

namespace {

constexpr uint32_t oid_type = 26;

DataType of_kind(TypeKind kind) {
  DataType type;
  type.kind = kind;
  return type;
}

DataType numeric_type(int modifier) {
  const auto scale = numeric_scale(modifier);
  if (!scale) return of_kind(TypeKind::varchar);
  const int precision = ((modifier - 4) >> 16) & 0xffff;
  if (precision == 39 && *scale == 0) return of_kind(TypeKind::hugeint);
  if (precision > 38 || *scale < 0 || *scale > precision) return of_kind(TypeKind::varchar);
  DataType type = of_kind(TypeKind::decimal);
  type.precision = precision;
  type.scale = *scale;
  return type;
}

/// Arrays of the types of pg_type that weir knows; these numbers never change.
std::optional<uint32_t> element_of(uint32_t array) {
  static constexpr std::pair<uint32_t, uint32_t> arrays[] = {
      {1000, oid::boolean},   {1001, oid::bytea},       {1005, oid::int2},    {1007, oid::int4},
      {1016, oid::int8},      {1009, oid::text},        {1014, oid::bpchar},  {1015, oid::varchar},
      {1021, oid::float4},    {1022, oid::float8},      {1182, oid::date},    {1183, oid::time},
      {1115, oid::timestamp}, {1185, oid::timestamptz}, {1231, oid::numeric}, {2951, oid::uuid},
      {199, oid::json},       {3807, oid::jsonb},
  };
  for (const auto& [type, element] : arrays) {
    if (type == array) return element;
  }
  return std::nullopt;
}

}  // namespace

std::string column_type(const DataType& type) {
  switch (type.kind) {
    case TypeKind::boolean: return "boolean";
    case TypeKind::tinyint:
    case TypeKind::smallint: return "smallint";
    case TypeKind::integer: return "integer";
    case TypeKind::bigint: return "bigint";
    case TypeKind::hugeint: return "numeric(39,0)";
    case TypeKind::real: return "real";
    case TypeKind::double_: return "double precision";
    case TypeKind::decimal: return fmt::format("numeric({},{})", type.precision, type.scale);
    case TypeKind::varchar:
      return type.length == 0 ? "text" : fmt::format("varchar({})", type.length);
    case TypeKind::bytes: return "bytea";
    case TypeKind::date: return "date";
    case TypeKind::time: return "time";
    case TypeKind::timestamp: return "timestamp";
    case TypeKind::timestamptz: return "timestamptz";
    case TypeKind::uuid: return "uuid";
    case TypeKind::json: return "json";
    case TypeKind::list:
      // Postgres keeps no count of an array's dimensions: integer[][] and integer[] are one type.
      return type.element->kind == TypeKind::list ? column_type(*type.element)
                                                  : column_type(*type.element) + "[]";
  }
  return {};
}

std::string comparable_type(std::string_view format_type) {
  if (format_type.ends_with("[]")) {
    format_type.remove_suffix(2);
    return comparable_type(format_type) + "[]";
  }
  // "timestamp(3) with time zone": the modifier stands inside the name.
  const size_t open = format_type.find('(');
  const size_t close = format_type.find(')');
  std::string name(format_type.substr(0, open));
  std::string modifier;
  if (open != std::string_view::npos && close != std::string_view::npos) {
    modifier = format_type.substr(open, close - open + 1);
    name += format_type.substr(close + 1);
  }
  static constexpr std::pair<std::string_view, std::string_view> shorter[] = {
      {"character varying", "varchar"},
      {"character", "char"},
      {"time without time zone", "time"},
      {"time with time zone", "timetz"},
      {"timestamp without time zone", "timestamp"},
      {"timestamp with time zone", "timestamptz"},
  };
  for (const auto& [long_name, short_name] : shorter) {
    if (name == long_name) name = short_name;
  }
  // A varchar without a limit is what Postgres calls text.
  if (name == "varchar" && modifier.empty()) return "text";
  return name + modifier;
}

DataType query_type(uint32_t type, int modifier) {
  switch (type) {
    case oid::boolean: return of_kind(TypeKind::boolean);
    case oid::int2: return of_kind(TypeKind::smallint);
    case oid::int4: return of_kind(TypeKind::integer);
    case oid::int8:
    case oid_type: return of_kind(TypeKind::bigint);
    case oid::float4: return of_kind(TypeKind::real);
    case oid::float8: return of_kind(TypeKind::double_);
    case oid::numeric: return numeric_type(modifier);
    case oid::bytea: return of_kind(TypeKind::bytes);
    case oid::date: return of_kind(TypeKind::date);
    case oid::time: return of_kind(TypeKind::time);
    case oid::timestamp: return of_kind(TypeKind::timestamp);
    case oid::timestamptz: return of_kind(TypeKind::timestamptz);
    case oid::uuid: return of_kind(TypeKind::uuid);
    case oid::json:
    case oid::jsonb: return of_kind(TypeKind::json);
    default: break;
  }
  const auto element = element_of(type);
  if (!element) return of_kind(TypeKind::varchar);
  DataType list = of_kind(TypeKind::list);
  list.element = std::make_shared<const DataType>(query_type(*element, modifier));
  return list;
}

}  // namespace weir::postgres
