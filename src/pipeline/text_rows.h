#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "server/column_view.h"
#include "server/connection.h"

namespace weir::pipeline {

/// Where rows go whose values are spelled as text.
struct TextRows {
  /// Names and types (DuckDB's spelling), before the first batch. False: no rows are wanted.
  std::function<bool(const std::vector<duckdb::ResultColumn>&)> columns;
  /// At most 2048 rows, valid during the call; every column is a varchar. False: no more are
  /// wanted.
  std::function<bool(const server::RowBatch&)> rows;
};

/// How values are spelled.
enum class TextStyle {
  duckdb,  ///< as DuckDB prints them in its zone: what `weir query` shows
  /// As requests spell them (docs/reference/types.md): moments in UTC with T and Z, bytes as
  /// \x00ff; what DuckDB nests (lists, structs, maps) as JSON.
  exchange,
};

/// The rows of a SELECT that DuckDB gives, in bounded memory. `columns`: its own. True: all of them
/// were wanted. Errors: sql, io, cancelled.
Result<bool> stream_as_text(duckdb::Connection& connection, const std::string& select,
                            std::span<const duckdb::Parameter> parameters,
                            const std::vector<duckdb::ResultColumn>& columns, TextStyle style,
                            const std::function<bool(const server::RowBatch&)>& rows);

/// The rows of a server's query, which pass through a small DuckDB that spells them. True: all of
/// them were wanted. Errors: those of the server, as it has them; invalid_input: a value that has
/// no like in DuckDB.
Result<bool> stream_as_text(server::Connection& server, const std::string& sql,
                            std::span<const server::Cell> parameters, TextStyle style,
                            const TextRows& to);

}  // namespace weir::pipeline
