#pragma once

#include <string>

#include "duckdb/database.h"

namespace weir::pipeline {

/// SQL of a column's value as it stands in a produced row's JSON: so that reading it again gives
/// the same value. `value` is SQL. DuckDB writes integers and decimals exactly.
inline std::string produced_value(const duckdb::ResultColumn& column, const std::string& value) {
  if (column.type == "BLOB") return "('\\x' || lower(hex(" + value + ")))";
  // JSON has no nan and no inf.
  if (column.type == "DOUBLE" || column.type == "FLOAT") return "CAST(" + value + " AS VARCHAR)";
  return value;
}

}  // namespace weir::pipeline
