#pragma once

#include <string_view>

#include "duckdb/connection.h"
#include "model/data_type.h"
#include "server/connection.h"

namespace weir::pipeline {

/// What a server's cell is spelled like.
enum class CellSpelling {
  plain,
  bytes,  ///< `\x00ff`, where DuckDB spells `\x00\xff`
  day,    ///< a date or timestamp: Postgres says BC last, DuckDB behind the day
};
CellSpelling cell_spelling(TypeKind kind);
/// By the name of the type that DuckDB reads it as.
CellSpelling cell_spelling(std::string_view duckdb_type);

/// A server's cell, to be cast by DuckDB.
duckdb::Parameter read_cell(const server::Cell& cell, CellSpelling spelling);

}  // namespace weir::pipeline
