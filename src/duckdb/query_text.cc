#include "duckdb/connection.h"
#include "duckdb/native.h"
#include "duckdb/sql_walk.h"

namespace weir::duckdb {
namespace {

/// The one statement in `sql`, without semicolons around it and what stands behind them.
std::string bare_statement(const std::string& sql) {
  SqlWalk walk(sql);
  walk.skip_blanks();
  while (walk.peek() == ';') {
    walk.step();
    walk.skip_blanks();
  }
  const size_t begin = walk.position();
  while (!walk.done() && walk.peek() != ';') walk.step();
  return sql.substr(begin, walk.position() - begin);
}

/// What stands behind EXPLAIN, ANALYZE and options.
std::string explained_statement(const std::string& sql) {
  SqlWalk walk(sql);
  walk.skip_blanks();
  walk.skip_word("EXPLAIN");
  walk.skip_blanks();
  walk.skip_word("ANALYZE");
  walk.skip_blanks();
  if (walk.peek() == '(') {
    SqlWalk options = walk;
    options.skip_brackets();
    options.skip_blanks();
    if (!options.done()) walk = options;  // else the statement itself stands in brackets
  }
  return sql.substr(walk.position());
}

Result<void> show_small(Connection& connection, const std::string& sql, const RowSink& sink) {
  const Rows rows = WEIR_TRY(connection.run(sql));
  std::vector<ResultColumn> columns;
  for (size_t i = 0; i < rows.column_count(); ++i) {
    columns.push_back({rows.column_name(i), "VARCHAR"});
  }
  if (sink.columns) sink.columns(columns);
  std::vector<std::optional<std::string>> cells(columns.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t column = 0; column < cells.size(); ++column) {
      cells[column] =
          rows.is_null(row, column) ? std::nullopt : std::optional(rows.text(row, column));
    }
    if (!sink.row(cells)) break;
  }
  return {};
}

Result<void> require_one_statement(Connection& connection, const std::string& sql) {
  duckdb_extracted_statements extracted = nullptr;
  const idx_t count = duckdb_extract_statements(static_cast<duckdb_connection>(connection.native()),
                                                sql.c_str(), &extracted);
  std::string parse_error;
  if (count == 0) {
    const char* message = duckdb_extract_statements_error(extracted);
    parse_error = message == nullptr ? "there is no statement" : message;
  }
  duckdb_destroy_extracted(&extracted);
  if (count == 0) return fail(ErrorCode::sql, parse_error);
  if (count > 1) {
    return fail(ErrorCode::usage, "the text holds more than one statement", "give one at a time");
  }
  return {};
}

Error not_a_query() {
  return {ErrorCode::usage, "this statement is not a query",
          "rows come in through pipelines; add --write if you mean it"};
}

Result<duckdb_statement_type> statement_type(Connection& connection, const std::string& sql) {
  duckdb_prepared_statement native = nullptr;
  duckdb_prepare(static_cast<duckdb_connection>(connection.native()), sql.c_str(), &native);
  const Statement statement(native, sql);
  if (const char* message = duckdb_prepare_error(native); message != nullptr) {
    return fail(make_error(message));
  }
  return duckdb_prepared_statement_type(native);
}

}  // namespace

Result<void> query_text(Database& database, const std::string& sql, bool allow_write,
                        const RowSink& sink) {
  const auto connection = WEIR_TRY(database.connect());
  WEIR_TRY(require_one_statement(*connection, sql));
  const std::string bare = bare_statement(sql);
  if (!allow_write && !begins_like_a_query(bare)) return fail(not_a_query());
  const duckdb_statement_type type = WEIR_TRY(statement_type(*connection, bare));
  if (allow_write && type != DUCKDB_STATEMENT_TYPE_SELECT) {
    return show_small(*connection, bare, sink);
  }
  if (type == DUCKDB_STATEMENT_TYPE_EXPLAIN) {
    // EXPLAIN ANALYZE runs what it explains.
    const std::string inner = explained_statement(bare);
    if (!begins_like_a_query(inner)) return fail(not_a_query());
    const auto explained = WEIR_TRY(statement_type(*connection, inner));
    if (explained != DUCKDB_STATEMENT_TYPE_SELECT) return fail(not_a_query());
  } else if (type != DUCKDB_STATEMENT_TYPE_SELECT) {
    return fail(not_a_query());
  }
  if (!allow_write) WEIR_TRY(connection->run("BEGIN TRANSACTION READ ONLY"));
  if (type == DUCKDB_STATEMENT_TYPE_EXPLAIN) return show_small(*connection, bare, sink);
  auto streamed = connection->stream(bare, sink);
  if (streamed || streamed.error().message.find("Parser Error") == std::string::npos) {
    return streamed;
  }
  return show_small(*connection, bare, sink);  // SHOW and the like cannot be a subquery
}

}  // namespace weir::duckdb
