#include "pipeline/mysql_catalog.h"

#include <fmt/format.h>

#include <algorithm>

#include "duckdb/database.h"
#include "mysql/type_fit.h"
#include "pipeline/server_tables.h"

namespace weir::pipeline {
namespace {

using server::TypeFit;

bool is_unique(const Rule& rule) { return rule.kind == RuleKind::unique; }

/// The type of DuckDB's that reads its text.
std::string reads_as(const mysql::ColumnFacts& facts, const DataType* wanted) {
  const auto type = facts.data_type();
  if (!type) return "VARCHAR";
  // datetime holds UTC, or no zone at all: what it is wanted for says which.
  const bool zoned = wanted != nullptr && wanted->kind == TypeKind::timestamptz;
  if (type->kind == TypeKind::timestamp && zoned) return duckdb::sql_type(*wanted);
  return duckdb::sql_type(*type);
}

bool has_default(const mysql::ColumnFacts& facts) {
  const bool stated = facts.default_value && *facts.default_value != "NULL";
  return stated || facts.auto_increment || facts.generated;
}

/// A row per column of each index; a part of a column guards less than the column.
constexpr const char* keys_query = R"(
  SELECT index_name, CASE WHEN sub_part IS NULL THEN column_name END
    FROM information_schema.statistics
   WHERE table_schema = COALESCE(NULLIF($1, ''), DATABASE()) AND table_name = $2
     AND non_unique = 0
   ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index)";

constexpr const char* parents_query = R"(
  SELECT constraint_name, column_name, referenced_table_name, referenced_column_name
    FROM information_schema.key_column_usage
   WHERE table_schema = COALESCE(NULLIF($1, ''), DATABASE()) AND table_name = $2
     AND referenced_table_name IS NOT NULL
   ORDER BY constraint_name, ordinal_position)";

/// MySQL's dictionary of checks does not name their tables, and MariaDB's names of checks are a
/// table's own. That a text is JSON is a part of the column's type.
constexpr const char* checks_query = R"(
  SELECT k.constraint_name, k.check_clause
    FROM information_schema.table_constraints c
    JOIN information_schema.check_constraints k
      ON k.constraint_schema = c.constraint_schema AND k.constraint_name = c.constraint_name{}
   WHERE c.table_schema = COALESCE(NULLIF($1, ''), DATABASE()) AND c.table_name = $2
     AND c.constraint_type = 'CHECK' AND LOWER(k.check_clause) NOT LIKE '%json_valid(%'
   ORDER BY k.constraint_name)";

constexpr const char* triggers_query = R"(
  SELECT trigger_name, CONCAT(action_timing, ' ', event_manipulation)
    FROM information_schema.triggers
   WHERE event_object_schema = COALESCE(NULLIF($1, ''), DATABASE()) AND event_object_table = $2
   ORDER BY trigger_name)";

/// A row per column: one guard per name.
server::TableGuard& guard_named(std::vector<server::TableGuard>& guards, const std::string& name,
                                server::TableGuard::Kind kind) {
  if (guards.empty() || guards.back().name != name || guards.back().kind != kind) {
    guards.push_back({.kind = kind,
                      .name = name,
                      .definition = {},
                      .columns = {},
                      .parent = {},
                      .parent_columns = {}});
  }
  return guards.back();
}

}  // namespace

MysqlCatalog::MysqlCatalog(server::Connection& connection)
    : connection_(connection),
      server_(mysql::dialect_of(connection.version())),
      dialect_(ServerDialect::of(Engine::mysql, connection)) {}

FoundColumn MysqlCatalog::found_column(const Table& table, const mysql::ColumnFacts& facts) const {
  FoundColumn found{.name = facts.name, .type = facts.column_type};
  found.not_null = !facts.nullable;
  found.has_default = has_default(facts);
  const std::string characters =
      facts.character_set.empty()
          ? ""
          : fmt::format(" CHARACTER SET {} COLLATE {}", facts.character_set, facts.collation);
  if (!found.has_default && !facts.json) found.restated = facts.column_type + characters;
  const auto wanted = wanted_columns(table);
  const auto at = std::ranges::find_if(
      wanted, [&](const WantedColumn& one) { return one.column.name == facts.name; });
  if (at == wanted.end()) {
    found.reads_as = reads_as(facts, nullptr);
    return found;
  }
  const Column& column = at->column;
  found.reads_as = reads_as(facts, &column.type);
  const bool in_key = std::ranges::find(table.key, facts.name) != table.key.end();
  const bool is_compared = in_key || std::ranges::any_of(column.rules, is_unique);
  mysql::ColumnFacts indexed = facts;
  if (is_compared) indexed.key_position = std::max(indexed.key_position, 1);
  found.fit = mysql::fit_of(column.type, indexed);
  // Keys that are two for weir would be one for the server.
  if (is_compared && !facts.tells_text_apart()) {
    found.fit = TypeFit::lossy;
    found.type += characters;
  }
  return found;
}

Result<FoundTable> MysqlCatalog::find(const Table& table) {
  const std::string& name = table.name.value();
  FoundTable found;
  const auto engine = WEIR_TRY(mysql::engine_of(connection_, table.schema, name));
  if (!engine) return found;
  found.kind = engine->transactional ? FoundTable::Kind::table : FoundTable::Kind::other;
  if (engine->name.empty()) {
    found.noun = "a view";
    found.fix = "drop or rename the view, or give the table another name";
  } else if (!engine->transactional) {
    found.noun = fmt::format("kept by {}, which has no transactions,", engine->name);
    found.fix = alter(table, "ENGINE=InnoDB");
  }
  for (const auto& facts : WEIR_TRY(mysql::columns_of(connection_, table.schema, name))) {
    found.columns.push_back(found_column(table, facts));
  }
  const bool differs = std::ranges::any_of(
      found.columns, [](const FoundColumn& column) { return column.fit != TypeFit::same; });
  if (differs) WEIR_TRY(forget_commented(table, found));
  return found;
}

Result<void> MysqlCatalog::forget_commented(const Table& table, FoundTable& found) {
  const server::Cell names[] = {table.schema, table.name.value()};
  const auto rows = WEIR_TRY(connection_.run(
      "SELECT column_name FROM information_schema.columns WHERE table_schema = "
      "COALESCE(NULLIF($1, ''), DATABASE()) AND table_name = $2 AND column_comment <> ''",
      names));
  for (FoundColumn& column : found.columns) {
    const auto is_it = [&](const auto& row) { return row[0] == column.name; };
    if (std::ranges::any_of(rows.rows, is_it)) column.restated.clear();
  }
  return {};
}

Result<std::vector<server::TableGuard>> MysqlCatalog::guards(const Table& table) {
  using Kind = server::TableGuard::Kind;
  const server::Cell names[] = {table.schema, table.name.value()};
  std::vector<server::TableGuard> guards;
  const auto keys = WEIR_TRY(connection_.run(keys_query, names));
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string name = keys.text(i, 0);
    auto& guard = guard_named(guards, name, name == "PRIMARY" ? Kind::primary_key : Kind::unique);
    guard.columns.push_back(keys.text(i, 1));
  }
  for (server::TableGuard& guard : guards) {
    guard.definition = fmt::format("UNIQUE {} ({})", guard.name, fmt::join(guard.columns, ", "));
    if (std::ranges::find(guard.columns, "") != guard.columns.end()) guard.columns.clear();
  }
  const auto parents = WEIR_TRY(connection_.run(parents_query, names));
  for (size_t i = 0; i < parents.size(); ++i) {
    auto& guard = guard_named(guards, parents.text(i, 0), Kind::foreign_key);
    guard.columns.push_back(parents.text(i, 1));
    guard.parent = parents.text(i, 2);
    guard.parent_columns.push_back(parents.text(i, 3));
    guard.definition =
        fmt::format("FOREIGN KEY ({}) REFERENCES {} ({})", fmt::join(guard.columns, ", "),
                    guard.parent, fmt::join(guard.parent_columns, ", "));
  }
  const auto checks = WEIR_TRY(
      connection_.run(fmt::format(fmt::runtime(checks_query),
                                  server_.mariadb ? " AND k.table_name = c.table_name" : ""),
                      names));
  for (size_t i = 0; i < checks.size(); ++i) {
    guard_named(guards, checks.text(i, 0), Kind::check).definition =
        "CHECK (" + checks.text(i, 1) + ")";
  }
  const auto triggers = WEIR_TRY(connection_.run(triggers_query, names));
  for (size_t i = 0; i < triggers.size(); ++i) {
    guard_named(guards, triggers.text(i, 0), Kind::trigger).definition = triggers.text(i, 1);
  }
  return guards;
}

std::string MysqlCatalog::quote_identifier(std::string_view name) const {
  return connection_.quote_identifier(name);
}

std::string MysqlCatalog::target(const Table& table) const {
  return server_name(connection_, table);
}

std::string MysqlCatalog::text_of(const FoundColumn& found, const std::string& expression) const {
  const bool zoned = found.reads_as == "TIMESTAMP WITH TIME ZONE";
  return zoned ? fmt::format("CONCAT({}, '+00')", expression) : expression;
}

Result<std::string> MysqlCatalog::type_sql(const Table& table, const Column& column) const {
  return dialect_->column_type(table, column, quote_identifier(column.name));
}

Result<std::vector<std::string>> MysqlCatalog::creation_ddl(const Table& table) const {
  return server_creation_ddl(connection_, Engine::mysql, table);
}

std::string MysqlCatalog::modify(const Table& table, const FoundColumn& found,
                                 const std::string& type, std::string_view null) const {
  if (found.restated.empty()) return {};
  return alter(table,
               fmt::format("MODIFY COLUMN {} {} {}", quote_identifier(found.name), type, null));
}

std::string MysqlCatalog::set_type(const Table& table, const FoundColumn& found,
                                   const std::string& type) const {
  return modify(table, found, type, found.not_null ? "NOT NULL" : "NULL");
}

std::string MysqlCatalog::set_not_null(const Table& table, const FoundColumn& found) const {
  return modify(table, found, found.restated, "NOT NULL");
}

std::string MysqlCatalog::drop_not_null(const Table& table, const FoundColumn& found) const {
  return modify(table, found, found.restated, "NULL");
}

}  // namespace weir::pipeline
