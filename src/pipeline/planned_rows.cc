#include "pipeline/planned_rows.h"

#include <fmt/format.h>

namespace weir::pipeline {

using duckdb::quote_identifier;

RelationOver PlannedRows::over() {
  return [this](const Table& table, const std::string& there) { return relation(table, there); };
}

Result<void> PlannedRows::begin(duckdb::Connection& connection, const PipelineParts& parts) {
  connection_ = &connection;
  table_ = parts.table;
  mode_ = parts.load->mode;
  overlay_ = "temp.weir_planned";
  std::string definitions;
  for (const Column& column : table_->columns) {
    definitions += fmt::format("{}{} {}", definitions.empty() ? "" : ", ",
                               quote_identifier(column.name), duckdb::sql_type(column.type));
  }
  WEIR_TRY(
      connection.run(fmt::format("CREATE OR REPLACE TEMP TABLE weir_planned ({})", definitions)));
  return {};
}

std::string PlannedRows::columns(std::string_view prefix) const {
  std::string list;
  for (const Column& column : table_->columns) {
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", prefix, quote_identifier(column.name));
  }
  return list;
}

std::string PlannedRows::same_key() const {
  std::string all;
  for (const std::string& name : table_->key) {
    all += fmt::format("{0}weir_a.{1} = weir_b.{1}", all.empty() ? "" : " AND ",
                       quote_identifier(name));
  }
  return all;
}

std::string PlannedRows::relation(const Table& table, const std::string& there) const {
  if (&table != table_ || (!any_ && !replaced_)) return there;
  if (replaced_) return overlay_;
  std::string left = fmt::format("SELECT {} FROM {} weir_a", columns("weir_a."), there);
  if (mode_ == LoadMode::merge) {
    left +=
        fmt::format(" WHERE NOT EXISTS (SELECT 1 FROM {} weir_b WHERE {})", overlay_, same_key());
  }
  return fmt::format("({} UNION ALL SELECT {} FROM {})", left, columns(""), overlay_);
}

Result<void> PlannedRows::add(const TableLoad& load) {
  const std::string rows = load.accepted_rows();
  if (mode_ == LoadMode::replace) {
    WEIR_TRY(connection_->run("DELETE FROM " + overlay_));
    replaced_ = true;
  }
  if (mode_ == LoadMode::merge) {
    WEIR_TRY(connection_->run(
        fmt::format("DELETE FROM {} weir_a WHERE EXISTS (SELECT 1 FROM {} weir_b WHERE {})",
                    overlay_, rows, same_key())));
  }
  WEIR_TRY(connection_->run(
      fmt::format("INSERT INTO {} SELECT {} FROM {}", overlay_, columns(""), rows)));
  any_ = true;
  return {};
}

}  // namespace weir::pipeline
