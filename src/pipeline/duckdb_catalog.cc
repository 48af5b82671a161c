#include "pipeline/duckdb_catalog.h"

#include <fmt/format.h>

#include <algorithm>

#include "duckdb/database.h"
#include "pipeline/set_rules.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

std::string schema_of(const Table& table) { return table.schema.empty() ? "main" : table.schema; }

}  // namespace

std::string DuckdbCatalog::quote_identifier(std::string_view name) const {
  return duckdb::quote_identifier(std::string(name));
}

std::string DuckdbCatalog::target(const Table& table) const { return target_name(table); }

Result<std::string> DuckdbCatalog::type_sql(const Table&, const Column& column) const {
  return duckdb::sql_type(column.type);
}

/// Asks for the columns first: that is what costs least, and a table that is as it should be is
/// asked about before each load.
Result<FoundTable> DuckdbCatalog::find(const Table& table) {
  const auto rows = connection_.run(
      "SELECT name, type, CAST(\"notnull\" AS INTEGER), CAST(dflt_value IS NOT NULL AS INTEGER) "
      "FROM pragma_table_info(" +
      duckdb::quote_literal(target_name(table)) + ")");
  FoundTable found;
  if (!rows) {
    const bool listed = WEIR_TRY(is_listed(table, "tables", "table")) ||
                        WEIR_TRY(is_listed(table, "views", "view"));
    if (listed) return fail(rows.error());
    return found;
  }
  found.kind = FoundTable::Kind::table;
  const auto wanted = wanted_columns(table);
  for (size_t i = 0; i < rows->size(); ++i) {
    FoundColumn column{.name = rows->text(i, 0), .type = rows->text(i, 1)};
    column.reads_as = column.type;
    column.not_null = rows->int64(i, 2) != 0;
    column.has_default = rows->int64(i, 3) != 0;
    // Its names have no case: the dictionary's spelling is the one that counts.
    for (const WantedColumn& one : wanted) {
      if (!same_name(one.column.name, column.name)) continue;
      column.name = one.column.name;
      if (duckdb::sql_type(one.column.type) == column.type) column.fit = server::TypeFit::same;
    }
    found.columns.push_back(std::move(column));
  }
  // A column of a view is never NOT NULL: mostly that settles it.
  if (std::ranges::none_of(found.columns, &FoundColumn::not_null) &&
      WEIR_TRY(is_listed(table, "views", "view"))) {
    found.kind = FoundTable::Kind::other;
    found.noun = "a view";
    found.fix = "drop or rename the view, or give the table another name";
  }
  return found;
}

/// Whether duckdb_tables() or duckdb_views() has the name.
Result<bool> DuckdbCatalog::is_listed(const Table& table, const char* list, const char* noun) {
  const duckdb::Parameter names[] = {schema_of(table), table.name.value()};
  const auto rows = WEIR_TRY(
      connection_.run(fmt::format("SELECT 1 FROM duckdb_{}() WHERE database_name = "
                                  "current_database() AND lower(schema_name) = lower($1) AND "
                                  "lower({}_name) = lower($2)",
                                  list, noun),
                      names));
  return rows.size() > 0;
}

Result<std::vector<server::TableGuard>> DuckdbCatalog::guards(const Table& table) {
  const duckdb::Parameter names[] = {schema_of(table), table.name.value()};
  const auto rows = WEIR_TRY(connection_.run(
      "SELECT constraint_text FROM duckdb_constraints() WHERE database_name = current_database() "
      "AND lower(schema_name) = lower($1) AND lower(table_name) = lower($2) AND "
      "constraint_type <> 'NOT NULL' ORDER BY constraint_index",
      names));
  std::vector<server::TableGuard> guards(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) guards[i].definition = rows.text(i, 0);
  return guards;
}

Result<std::vector<std::string>> DuckdbCatalog::creation_ddl(const Table& table) const {
  std::vector<std::string> ddl;
  if (!table.schema.empty()) {
    ddl.push_back("CREATE SCHEMA IF NOT EXISTS " + duckdb::quote_identifier(table.schema));
  }
  std::string columns;
  for (const auto& [column, required] : wanted_columns(table)) {
    columns +=
        fmt::format("{}{} {}{}", columns.empty() ? "" : ", ", duckdb::quote_identifier(column.name),
                    duckdb::sql_type(column.type), required ? " NOT NULL" : "");
  }
  ddl.push_back(fmt::format("CREATE TABLE IF NOT EXISTS {} ({})", target_name(table), columns));
  return ddl;
}

}  // namespace weir::pipeline
