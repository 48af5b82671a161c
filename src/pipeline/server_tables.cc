#include "pipeline/server_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "pipeline/drift.h"
#include "pipeline/server_dialect.h"

namespace weir::pipeline {
namespace {

bool in_key(const Table& table, const std::string& column) {
  return std::ranges::find(table.key, column) != table.key.end();
}

/// SQL of the schema that the table is in.
std::string schema_sql(const server::Connection& connection, Engine engine, const Table& table) {
  if (!table.schema.empty()) return connection.quote_literal(table.schema);
  return std::string(ServerDialect::of(engine, connection)->current_schema());
}

Result<bool> has_schema(server::Connection& connection, const std::string& schema) {
  const server::Cell name = schema;
  const auto rows = WEIR_TRY(connection.run(
      "SELECT 1 FROM information_schema.schemata WHERE schema_name = $1", {&name, 1}));
  return rows.size() > 0;
}

}  // namespace

std::string server_name(const server::Connection& connection, const Table& table) {
  const std::string name = connection.quote_identifier(table.name.value());
  return table.schema.empty() ? name : connection.quote_identifier(table.schema) + "." + name;
}

Result<std::vector<std::string>> server_creation_ddl(server::Connection& connection, Engine engine,
                                                     const Table& table) {
  const auto dialect = ServerDialect::of(engine, connection);
  WEIR_TRY(dialect->check_key_length(table));
  std::vector<std::string> ddl;
  // Making one that is there asks for rights that a user may do without.
  if (!table.schema.empty() && !WEIR_TRY(has_schema(connection, table.schema))) {
    ddl.push_back("CREATE SCHEMA IF NOT EXISTS " + connection.quote_identifier(table.schema));
  }
  std::string columns;
  std::string unique;
  for (const Column& column : table.columns) {
    const std::string name = connection.quote_identifier(column.name);
    columns += fmt::format("{}{} {}{}", columns.empty() ? "" : ", ", name,
                           WEIR_TRY(dialect->column_type(table, column, name)),
                           column.required() || in_key(table, column.name) ? " NOT NULL" : "");
    const auto is_unique = [](const Rule& rule) { return rule.kind == RuleKind::unique; };
    if (std::ranges::any_of(column.rules, is_unique)) unique += ", UNIQUE (" + name + ")";
  }
  for (const LineageColumn& lineage : lineage_columns) {
    if (!table.lineage) break;
    Column column;
    column.name = lineage.name;
    column.type = WEIR_TRY(parse_data_type(lineage.type));
    const std::string name = connection.quote_identifier(column.name);
    columns += fmt::format(", {} {}", name, WEIR_TRY(dialect->column_type(table, column, name)));
  }
  std::string key;
  for (const std::string& name : table.key) {
    key += (key.empty() ? ", PRIMARY KEY (" : ", ") + connection.quote_identifier(name);
  }
  if (!key.empty()) key += ")";
  ddl.push_back(fmt::format("CREATE TABLE IF NOT EXISTS {} ({}{}{}){}",
                            server_name(connection, table), columns, key, unique,
                            dialect->table_options()));
  return ddl;
}

Result<void> make_on_server(server::Connection& connection, const std::string& statement) {
  static constexpr std::array<std::string_view, 3> there_already = {"42P06", "42P07", "42710"};
  auto made = connection.run(statement);
  if (made) return {};
  const server::Refusal& refusal = connection.refusal();
  const bool raced =
      refusal.by_row || std::ranges::find(there_already, refusal.state) != there_already.end();
  Error error = std::move(made).error();
  if (raced) error.code = ErrorCode::busy;
  return fail(std::move(error));
}

Result<bool> guards_key(server::Connection& connection, Engine engine, const Table& table) {
  const server::Cell name = table.name.value();
  const auto rows = WEIR_TRY(connection.run(
      fmt::format(
          "SELECT c.constraint_name, k.column_name FROM information_schema.table_constraints "
          "c JOIN information_schema.key_column_usage k ON k.constraint_schema = "
          "c.constraint_schema AND k.constraint_name = c.constraint_name AND k.table_name = "
          "c.table_name WHERE c.constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND "
          "c.table_schema = {} AND c.table_name = $1",
          schema_sql(connection, engine, table)),
      {&name, 1}));
  std::map<std::string, std::set<std::string>> constraints;
  for (size_t i = 0; i < rows.size(); ++i) constraints[rows.text(i, 0)].insert(rows.text(i, 1));
  const std::set<std::string> key(table.key.begin(), table.key.end());
  return std::ranges::any_of(constraints, [&](const auto& one) { return one.second == key; });
}

Result<std::vector<std::string>> constraint_columns(server::Connection& connection, Engine engine,
                                                    const Table& table,
                                                    const std::string& constraint) {
  const std::string select = ServerDialect::of(engine, connection)
                                 ->constraint_columns(schema_sql(connection, engine, table));
  const server::Cell parameters[] = {table.name.value(), constraint};
  const auto rows = WEIR_TRY(connection.run(select, parameters));
  std::vector<std::string> columns;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (std::ranges::find(columns, rows.text(i, 0)) == columns.end()) {
      columns.push_back(rows.text(i, 0));
    }
  }
  return columns;
}

}  // namespace weir::pipeline
