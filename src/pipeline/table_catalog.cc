#include "pipeline/table_catalog.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/drift.h"

namespace weir::pipeline {

const FoundColumn* FoundTable::find_column(const std::string& name) const {
  const auto at = std::ranges::find(columns, name, &FoundColumn::name);
  return at == columns.end() ? nullptr : &*at;
}

std::string TableCatalog::alter(const Table& table, const std::string& what) const {
  return fmt::format("ALTER TABLE {} {}", target(table), what);
}

std::string TableCatalog::alter_column(const Table& table, const std::string& column,
                                       const std::string& what) const {
  return alter(table, fmt::format("ALTER COLUMN {} {}", quote_identifier(column), what));
}

std::string TableCatalog::text_of(const FoundColumn&, const std::string& expression) const {
  return expression;
}

std::string TableCatalog::add_column(const Table& table, const Column& column,
                                     const std::string& type) const {
  return alter(table, fmt::format("ADD COLUMN {} {}", quote_identifier(column.name), type));
}

std::string TableCatalog::set_type(const Table& table, const FoundColumn& found,
                                   const std::string& type) const {
  return alter_column(table, found.name, "SET DATA TYPE " + type);
}

std::string TableCatalog::set_not_null(const Table& table, const FoundColumn& found) const {
  return alter_column(table, found.name, "SET NOT NULL");
}

std::string TableCatalog::drop_not_null(const Table& table, const FoundColumn& found) const {
  return alter_column(table, found.name, "DROP NOT NULL");
}

std::string TableCatalog::add_key(const Table& table, std::string_view kind,
                                  const std::vector<std::string>& columns) const {
  std::string list;
  for (const std::string& name : columns) {
    list += (list.empty() ? "" : ", ") + quote_identifier(name);
  }
  return alter(table, fmt::format("ADD {} ({})", kind, list));
}

std::vector<WantedColumn> wanted_columns(const Table& table) {
  std::vector<WantedColumn> wanted;
  for (const Column& column : table.columns) {
    const bool in_key = std::ranges::find(table.key, column.name) != table.key.end();
    wanted.push_back({column, column.required() || in_key});
  }
  for (const LineageColumn& lineage : lineage_columns) {
    if (!table.lineage) break;
    Column column;
    column.name = lineage.name;
    column.type = parse_data_type(lineage.type).value();
    column.location = table.location;
    wanted.push_back({std::move(column), false});
  }
  return wanted;
}

}  // namespace weir::pipeline
