#include "mysql/result_types.h"

#include <fmt/format.h>

#include <string_view>

#include "mysql/types.h"

namespace weir::mysql {
namespace {

constexpr unsigned binary_charset = 63;

std::string_view attribute(const MYSQL_FIELD& field, mariadb_field_attr_t which) {
  MARIADB_CONST_STRING text{};
  if (mariadb_field_attr(&text, &field, which) != 0 || text.str == nullptr) return {};
  return {text.str, text.length};
}

/// The column type that a table would show, as far as the type of values depends on it.
std::string column_type_of(const MYSQL_FIELD& field) {
  const bool is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
  const char* sign = is_unsigned ? " unsigned" : "";
  switch (field.type) {
    case MYSQL_TYPE_TINY: return fmt::format("tinyint({}){}", field.length, sign);
    case MYSQL_TYPE_SHORT: return fmt::format("smallint{}", sign);
    case MYSQL_TYPE_INT24: return "mediumint";
    case MYSQL_TYPE_LONG: return fmt::format("int{}", sign);
    case MYSQL_TYPE_LONGLONG: return fmt::format("bigint{}", sign);
    case MYSQL_TYPE_YEAR: return "year";
    case MYSQL_TYPE_FLOAT: return "float";
    case MYSQL_TYPE_DOUBLE: return "double";
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL: {
      // Its length counts a point and a sign.
      const unsigned long digits =
          field.length - (field.decimals > 0 ? 1 : 0) - (is_unsigned ? 0 : 1);
      return fmt::format("decimal({},{})", digits, field.decimals);
    }
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE: return "date";
    case MYSQL_TYPE_TIME:
    case MYSQL_TYPE_TIME2: return "time";
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_DATETIME2: return "datetime";
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_TIMESTAMP2: return "timestamp";
    case MYSQL_TYPE_BIT: return fmt::format("bit({})", field.length);
    default: break;
  }
  if (attribute(field, MARIADB_FIELD_ATTR_DATA_TYPE_NAME) == "uuid") return "uuid";
  return holds_bytes(field) ? "longblob" : "longtext";
}

}  // namespace

bool holds_bytes(const MYSQL_FIELD& field) {
  switch (field.type) {
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_GEOMETRY: return field.charsetnr == binary_charset;
    default: return false;
  }
}

DataType query_type(const MYSQL_FIELD& field) {
  ColumnFacts facts;
  facts.column_type = column_type_of(field);
  facts.json =
      field.type == MYSQL_TYPE_JSON || attribute(field, MARIADB_FIELD_ATTR_FORMAT_NAME) == "json";
  return facts.data_type().value_or(DataType{});
}

}  // namespace weir::mysql
