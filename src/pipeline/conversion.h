#pragma once

#include <string>

#include "base/result.h"
#include "duckdb/database.h"
#include "model/data_type.h"
#include "model/table.h"

namespace weir::pipeline {

/// How a value of one SQL type becomes a column's type without losing anything.
struct Conversion {
  std::string sql;        ///< of the converted value; NULL when the value cannot become the type
  bool can_fail = false;  ///< false: NULL only where the value was NULL
};

/// `value` is SQL (a column reference), `from` its type as DuckDB spells it. Text goes through
/// weir's own spelling (text/spelling.h); other types through the engine's cast, kept only when
/// casting back gives the same value (12.345 is not decimal(5,2), a timestamp with a time of day is
/// no date). Errors: sql when one type never becomes the other, with what to write instead.
Result<Conversion> convert(duckdb::Database& database, const std::string& value,
                           const std::string& from, const DataType& to);

/// Registers the functions `convert` may name for the table's columns. To be called before a
/// transaction whose statements convert: in it a function registered later does not exist.
Result<void> prepare_conversions(duckdb::Database& database, const Table& table);

}  // namespace weir::pipeline
