#include "pipeline/text_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "duckdb/batch_stream.h"
#include "pipeline/cell_table.h"

namespace weir::pipeline {
namespace {

using duckdb::ResultColumn;
using server::QueryColumn;

/// So many rows, or bytes of them, are spelled at once.
constexpr uint64_t most_rows = 2048;
constexpr size_t most_bytes = size_t{4} << 20;

bool is_nested(std::string_view type) {
  return type.ends_with(']') || type.starts_with("STRUCT(") || type.starts_with("MAP(") ||
         type.starts_with("UNION(");
}

/// SQL that spells a column's values.
std::string spelled(const std::string& column, const std::string& type, TextStyle style) {
  const std::string plain = fmt::format("CAST({} AS VARCHAR)", column);
  if (style == TextStyle::duckdb) return plain;
  if (is_nested(type)) return fmt::format("CAST(to_json({}) AS VARCHAR)", column);
  if (type == "BLOB") return fmt::format("'\\x' || lower(hex({}))", column);
  if (type.starts_with("TIMESTAMP")) {
    const bool zoned = type == "TIMESTAMP WITH TIME ZONE";
    const std::string utc =
        zoned ? fmt::format("CAST(make_timestamp(epoch_us({})) AS VARCHAR) || 'Z'", column) : plain;
    return fmt::format("CASE WHEN isfinite({0}) THEN replace({1}, ' ', 'T') ELSE {2} END", column,
                       utc, plain);
  }
  return plain;
}

/// Rows of a server's on their way through a small DuckDB, which spells them.
class SpelledRows {
 public:
  SpelledRows(CellTable& table, TextStyle style, const TextRows& to)
      : table_(table), style_(style), to_(to) {}

  /// False, here and below: nobody reads any more.
  Result<bool> begin(const std::vector<QueryColumn>& columns) {
    WEIR_TRY(table_.make(columns));
    return to_.columns(table_.columns());
  }

  Result<bool> add(std::span<const server::Cell> cells) {
    WEIR_TRY(table_.appender().row(cells));
    for (const server::Cell& cell : cells) bytes_ += cell ? cell->size() : 0;
    if (table_.appender().rows() % most_rows != 0 && bytes_ < most_bytes) return true;
    return flush();
  }

  Result<bool> flush() {
    if (!table_.made()) return true;  // there were no columns
    WEIR_TRY(table_.appender().flush());
    bytes_ = 0;
    const bool wanted = WEIR_TRY(stream_as_text(table_.connection(),
                                                fmt::format("SELECT * FROM {}", CellTable::name),
                                                {}, table_.columns(), style_, to_.rows));
    WEIR_TRY(table_.connection().run(fmt::format("TRUNCATE {}", CellTable::name)));
    return wanted;
  }

 private:
  CellTable& table_;
  const TextStyle style_;
  const TextRows& to_;
  size_t bytes_ = 0;  // in the table
};

}  // namespace

Result<bool> stream_as_text(duckdb::Connection& connection, const std::string& select,
                            std::span<const duckdb::Parameter> parameters,
                            const std::vector<ResultColumn>& columns, TextStyle style,
                            const std::function<bool(const server::RowBatch&)>& rows) {
  std::string spellings, names;
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string name = fmt::format("c{}", i);
    const char* comma = i == 0 ? "" : ", ";
    spellings += comma + spelled(name, columns[i].type, style);
    names += comma + name;
  }
  // Line breaks: the statement may end in a comment.
  const auto statement = WEIR_TRY(connection.prepare(
      fmt::format("SELECT {} FROM (\n{}\n) AS weir_rows({})", spellings, select, names)));
  const auto batches = WEIR_TRY(duckdb::BatchStream::open(
      *statement, parameters, std::vector<DataType>(columns.size(), DataType{})));
  while (true) {
    const server::RowBatch batch = WEIR_TRY(batches->next());
    if (batch.rows == 0) return true;
    if (!rows(batch)) return false;
  }
}

Result<bool> stream_as_text(server::Connection& server, const std::string& sql,
                            std::span<const server::Cell> parameters, TextStyle style,
                            const TextRows& to) {
  const auto table = WEIR_TRY(CellTable::open());
  SpelledRows rows(*table, style, to);
  Result<bool> taken = true;
  const auto go_on = [&] {
    if (taken && *taken) return true;
    server.interrupt();  // or the rest would come, whether it is wanted or not
    return false;
  };
  const auto take_columns = [&](const std::vector<QueryColumn>& columns) {
    if (!columns.empty()) taken = rows.begin(columns);
    return go_on();
  };
  const auto take_row = [&](std::span<const server::Cell> cells) {
    taken = rows.add(cells);
    return go_on();
  };
  const auto streamed = server.stream(sql, parameters, take_row, take_columns);
  if (!WEIR_TRY(std::move(taken))) return false;
  WEIR_TRY(streamed);
  return rows.flush();
}

}  // namespace weir::pipeline
