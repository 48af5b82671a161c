#include "pipeline/server_query.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "duckdb/cell_appender.h"
#include "duckdb/connection.h"
#include "duckdb/sql_walk.h"
#include "pipeline/server_sql.h"

namespace weir::pipeline {
namespace {

using server::QueryColumn;

constexpr const char* table_name = "weir_rows";
/// So many rows, or bytes of them, are spelled at once.
constexpr uint64_t most_rows = 2048;
constexpr size_t most_bytes = size_t{4} << 20;

/// Rows of a server's on their way through a small DuckDB, which spells them.
class SpelledRows {
 public:
  static Result<std::unique_ptr<SpelledRows>> open(const duckdb::RowSink& sink) {
    auto rows = std::unique_ptr<SpelledRows>(new SpelledRows(sink));
    duckdb::DatabaseOptions options;
    options.memory_bytes = 64u << 20;
    options.threads = 1;
    rows->database_ = WEIR_TRY(duckdb::Database::open(options));
    rows->connection_ = WEIR_TRY(rows->database_->connect());
    return rows;
  }

  Result<void> begin(const std::vector<QueryColumn>& columns) {
    // By position: a query may give two columns of one name.
    std::string definitions;
    std::vector<duckdb::ResultColumn> described;
    std::vector<duckdb::CellAppender::Column> typed;
    for (const QueryColumn& column : columns) {
      const std::string type = duckdb::sql_type(column.type);
      definitions +=
          fmt::format("{}c{} {}", definitions.empty() ? "" : ", ", described.size(), type);
      described.push_back({column.name, type});
      typed.push_back({column.name, column.type});
    }
    WEIR_TRY(connection_->run(fmt::format("CREATE TEMP TABLE {} ({})", table_name, definitions)));
    appender_ = WEIR_TRY(duckdb::CellAppender::open(*connection_, table_name, std::move(typed)));
    sink_.columns(described);
    return {};
  }

  /// False: nobody reads any more.
  Result<bool> add(std::span<const server::Cell> cells) {
    WEIR_TRY(appender_->row(cells));
    for (const server::Cell& cell : cells) bytes_ += cell ? cell->size() : 0;
    if (appender_->rows() % most_rows != 0 && bytes_ < most_bytes) return true;
    return flush();
  }

  Result<bool> flush() {
    if (appender_ == nullptr) return true;  // there were no columns
    WEIR_TRY(appender_->flush());
    bytes_ = 0;
    bool read = true;
    duckdb::RowSink spelled;
    spelled.row = [&](const auto& cells) { return read = sink_.row(cells); };
    WEIR_TRY(connection_->stream(fmt::format("SELECT * FROM {}", table_name), spelled));
    WEIR_TRY(connection_->run(fmt::format("TRUNCATE {}", table_name)));
    return read;
  }

 private:
  explicit SpelledRows(const duckdb::RowSink& sink) : sink_(sink) {}

  const duckdb::RowSink& sink_;
  std::unique_ptr<duckdb::Database> database_;
  std::unique_ptr<duckdb::Connection> connection_;
  std::unique_ptr<duckdb::CellAppender> appender_;
  size_t bytes_ = 0;  // in the table
};

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
  const auto rows = WEIR_TRY(SpelledRows::open(sink));
  Result<void> begun;
  Result<bool> taken = true;
  const auto stop = [&] {
    server.interrupt();  // or the rest would come, whether it is wanted or not
    return false;
  };
  const auto take_columns = [&](const std::vector<QueryColumn>& columns) {
    if (!columns.empty()) begun = rows->begin(columns);
    return begun.has_value() || stop();
  };
  const auto take_row = [&](std::span<const server::Cell> cells) {
    taken = rows->add(cells);
    return (taken && *taken) || stop();
  };
  const auto streamed = server.stream(sql, {}, take_row, take_columns);
  WEIR_TRY(std::move(begun));
  if (!WEIR_TRY(std::move(taken))) return {};
  if (!streamed) return fail(explain(streamed.error(), server.refusal(), sql));
  WEIR_TRY(rows->flush());
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
