#pragma once

#include <string>
#include <string_view>

namespace weir::pipeline {

/// What `weir_row` of a compiled query says.
enum class RowIdentity {
  record,              ///< BIGINT: the record (duckdb::make_row)
  record_and_ordinal,  ///< HUGEINT: the record << 64 | ordinal (duckdb::RowId), where one record
                       ///< makes several
};

constexpr std::string_view row_sql_type(RowIdentity identity) {
  return identity == RowIdentity::record ? "BIGINT" : "HUGEINT";
}

/// The record a row was made of, as a BIGINT. `row` is SQL of a weir_row.
inline std::string record_sql(RowIdentity identity, const std::string& row = "weir_row") {
  return identity == RowIdentity::record ? row : "CAST(" + row + " >> 64 AS BIGINT)";
}

/// The input a row comes from, from 0, as a BIGINT.
inline std::string input_sql(RowIdentity identity, const std::string& row = "weir_row") {
  return identity == RowIdentity::record ? "(" + row + " >> 48)"
                                         : "CAST(" + row + " >> 112 AS BIGINT)";
}

}  // namespace weir::pipeline
