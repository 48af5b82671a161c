#pragma once

#include <string>

#include "duckdb/database.h"
#include "model/table.h"

namespace weir::pipeline {

/// SQL of a column's value as it stands in a produced row's JSON: so that reading it again gives
/// the same value. `value` is SQL. DuckDB writes integers and decimals exactly.
inline std::string produced_value(const duckdb::ResultColumn& column, const std::string& value) {
  if (column.type == "BLOB") return "('\\x' || lower(hex(" + value + ")))";
  // JSON has no nan and no inf.
  if (column.type == "DOUBLE" || column.type == "FLOAT") return "CAST(" + value + " AS VARCHAR)";
  return value;
}

/// SQL of a table's row as a produced row's JSON. `prefix` as in "s.".
inline std::string produced_row(const Table& table, const std::string& prefix) {
  std::string json;
  for (const Column& column : table.columns) {
    json += (json.empty() ? "" : ", ") + duckdb::quote_literal(column.name) + ", " +
            produced_value({column.name, duckdb::sql_type(column.type)},
                           prefix + duckdb::quote_identifier(column.name));
  }
  return "CAST(json_object(" + json + ") AS VARCHAR)";
}

}  // namespace weir::pipeline
