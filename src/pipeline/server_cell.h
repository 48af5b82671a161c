#pragma once

#include "duckdb/connection.h"
#include "server/connection.h"

namespace weir::pipeline {

/// A server's cell, to be cast by DuckDB. Bytes come as `\x00ff`, which DuckDB spells
/// `\x00\xff`.
duckdb::Parameter read_cell(const server::Cell& cell, bool bytes);

}  // namespace weir::pipeline
