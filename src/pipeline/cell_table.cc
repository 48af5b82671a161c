#include "pipeline/cell_table.h"

#include <fmt/format.h>

namespace weir::pipeline {

Result<std::unique_ptr<CellTable>> CellTable::open(const std::string& spill) {
  auto table = std::unique_ptr<CellTable>(new CellTable);
  duckdb::DatabaseOptions options;
  options.temp_directory = spill;
  options.memory_bytes = 64u << 20;
  options.threads = 1;
  table->database_ = WEIR_TRY(duckdb::Database::open(options));
  table->connection_ = WEIR_TRY(table->database_->connect());
  return table;
}

Result<void> CellTable::make(const std::vector<server::QueryColumn>& columns) {
  std::string definitions;
  std::vector<duckdb::CellAppender::Column> typed;
  for (const server::QueryColumn& column : columns) {
    const std::string type = duckdb::sql_type(column.type);
    definitions += fmt::format("{}c{} {}", typed.empty() ? "" : ", ", typed.size(), type);
    typed.push_back({column.name, column.type});
    columns_.push_back({column.name, type});
  }
  WEIR_TRY(connection_->run(fmt::format("CREATE TEMP TABLE {} ({})", name, definitions)));
  appender_ = WEIR_TRY(duckdb::CellAppender::open(*connection_, name, std::move(typed)));
  return {};
}

}  // namespace weir::pipeline
