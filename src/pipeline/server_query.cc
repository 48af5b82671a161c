#include "pipeline/server_query.h"

#include <optional>
#include <vector>

#include "duckdb/connection.h"
#include "duckdb/sql_walk.h"
#include "pipeline/rewritten_sql.h"
#include "pipeline/text_rows.h"

namespace weir::pipeline {
namespace {

Error not_a_query(const std::string& why) {
  return {ErrorCode::usage, "this statement is not a query" + why,
          "rows come in through pipelines; add --write if you mean it"};
}

/// The server's words, with the place in the text.
Error explain(Error error, const server::Refusal& refusal, const std::string& sql) {
  if (error.code != ErrorCode::sql) return error;
  if (refusal.state == "25006") {  // read_only_sql_transaction
    return not_a_query(": " + error.message);
  }
  if (refusal.position > 0) error.message += ", at " + place_in_text(sql, refusal.position);
  return error;
}

Result<void> stream_rows(server::Connection& server, const std::string& sql,
                         const duckdb::RowSink& sink) {
  std::vector<std::optional<std::string>> cells;
  TextRows rows;
  rows.columns = [&](const std::vector<duckdb::ResultColumn>& columns) {
    cells.resize(columns.size());
    sink.columns(columns);
    return true;
  };
  rows.rows = [&](const server::RowBatch& batch) {
    for (size_t row = 0; row < batch.rows; ++row) {
      for (size_t i = 0; i < cells.size(); ++i) {
        const server::ColumnView& column = batch.columns[i];
        cells[i] =
            column.is_null(row) ? std::nullopt : std::optional<std::string>(column.text(row));
      }
      if (!sink.row(cells)) return false;
    }
    return true;
  };
  const auto streamed = stream_as_text(server, sql, {}, TextStyle::duckdb, rows);
  if (!streamed) return fail(explain(streamed.error(), server.refusal(), sql));
  return {};
}

/// A statement that gives no rows, as far as the server has told: MariaDB tells of those of
/// RETURNING only when it has done it. They come as text.
Result<void> run_statement(server::Connection& server, const std::string& sql,
                           const duckdb::RowSink& sink) {
  const auto done = server.run(sql);
  if (!done) return fail(explain(done.error(), server.refusal(), sql));
  if (!done->columns.empty()) {
    std::vector<duckdb::ResultColumn> columns;
    for (const std::string& name : done->columns) columns.push_back({name, "VARCHAR"});
    sink.columns(columns);
    for (const auto& row : done->rows) sink.row(row);
    return {};
  }
  sink.columns({{"Count", "BIGINT"}});
  sink.row({std::to_string(done->changed)});
  return {};
}

}  // namespace

Result<void> query_server(server::Connection& server, const std::string& sql, bool allow_write,
                          const duckdb::RowSink& sink) {
  if (!allow_write) {
    if (!duckdb::begins_like_a_query(sql)) return fail(not_a_query(""));
    WEIR_TRY(server.begin_snapshot());
    auto streamed = stream_rows(server, sql, sink);
    server.rollback();
    return streamed;
  }
  const auto columns = server.describe(sql);
  if (columns && !columns->empty()) return stream_rows(server, sql, sink);
  return run_statement(server, sql, sink);
}

}  // namespace weir::pipeline
