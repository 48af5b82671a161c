#pragma once

#include <string>

#include "base/result.h"
#include "duckdb/database.h"
#include "server/connection.h"

namespace weir::pipeline {

/// Runs one statement on a server for a person (`weir query`) and streams its rows in bounded
/// memory, spelled as DuckDB spells values of the same types. Without `allow_write` in a
/// transaction that only reads. A statement without rows gives one: how many it changed. Errors:
/// usage (it writes, and must not), sql with its place in the text, those of the server;
/// invalid_input (a value that has no like in DuckDB).
Result<void> query_server(server::Connection& server, const std::string& sql, bool allow_write,
                          const duckdb::RowSink& sink);

}  // namespace weir::pipeline
