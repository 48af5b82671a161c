#include "postgres/types.h"

#include <fmt/format.h>

#include <utility>

namespace weir::postgres {

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

}  // namespace weir::postgres
