#include "pipeline/server_dialect.h"

#include <fmt/format.h>

#include <algorithm>

#include "mysql/types.h"
#include "postgres/types.h"

namespace weir::pipeline {
namespace {

class PostgresDialect final : public ServerDialect {
 public:
  std::string_view current_schema() const override { return "current_schema()"; }
  Result<std::string> column_type(const Table&, const Column& column,
                                  std::string_view) const override {
    if (column.type.kind == TypeKind::list && column.type.element->kind == TypeKind::list) {
      return fail(ErrorCode::invalid_project,
                  "column '" + column.name + "' is " + column.type.to_string() +
                      ", and Postgres has no lists of lists that differ in length",
                  "declare it json", column.location);
    }
    return postgres::column_type(column.type);
  }
  std::vector<ValueLimit> limits(const Table&, const Column& column) const override {
    return postgres_limits(column);
  }
  std::string table_options() const override { return {}; }
  Result<void> check_key_length(const Table&) const override { return {}; }

  std::vector<std::string> make_scratch(std::string_view scratch, std::string_view columns,
                                        std::string_view like, Lifetime lifetime) const override {
    return {fmt::format("DROP TABLE IF EXISTS pg_temp.{}", scratch),
            fmt::format("CREATE TEMP TABLE {}{} AS SELECT {} FROM {} LIMIT 0", scratch,
                        lifetime == Lifetime::transaction ? " ON COMMIT DROP" : "", columns, like)};
  }
  /// Or the planner would take it for small.
  std::string filled_scratch(std::string_view scratch) const override {
    return fmt::format("ANALYZE {}", scratch);
  }
  bool refuses_early() const override { return true; }
  std::string update_from(std::string_view target, std::string_view source,
                          std::string_view condition,
                          const Assignments& assignments) const override {
    std::string list;
    for (const auto& [column, expression] : assignments) {
      list += fmt::format("{}{} = {}", list.empty() ? "" : ", ", column, expression);
    }
    return fmt::format("UPDATE {} t SET {} FROM {} u WHERE {}", target, list, source, condition);
  }
  std::string defer_checks() const override { return "SET CONSTRAINTS ALL DEFERRED"; }
  std::string check_now() const override { return "SET CONSTRAINTS ALL IMMEDIATE"; }
  /// The information schema shows constraints to their owner alone, and unique indexes to nobody.
  std::string constraint_columns(std::string_view schema) const override {
    return fmt::format(
        "SELECT a.attname FROM (SELECT conrelid AS table_id, conname AS name, conkey AS places "
        "FROM "
        "pg_catalog.pg_constraint UNION SELECT i.indrelid, c.relname, "
        "i.indkey::pg_catalog.int2[] FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON "
        "c.oid = i.indexrelid) k JOIN pg_catalog.pg_class t ON t.oid = k.table_id JOIN "
        "pg_catalog.pg_namespace n ON n.oid = t.relnamespace CROSS JOIN LATERAL unnest(k.places) "
        "WITH ORDINALITY p(place, n) JOIN pg_catalog.pg_attribute a ON a.attrelid = k.table_id AND "
        "a.attnum = p.place WHERE n.nspname = {} AND t.relname = $1 AND k.name = $2 ORDER BY p.n",
        schema);
  }

  std::string same(std::string_view left, std::string_view right) const override {
    return fmt::format("{} IS NOT DISTINCT FROM {}", left, right);
  }
  std::string moment(Timestamp at) const override { return format_timestamp(at); }
  TypeKind moment_kind() const override { return TypeKind::timestamptz; }
  std::string moment_text(std::string_view expression) const override {
    return fmt::format("to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
                       expression);
  }
  /// There is no text with a NUL in it.
  bool holds_nul() const override { return false; }
  std::string storable(std::string text) const override {
    for (size_t at = text.find('\0'); at != std::string::npos; at = text.find('\0', at)) {
      text.replace(at, 1, "\u2400");
    }
    return text;
  }
};

class MysqlDialect final : public ServerDialect {
 public:
  explicit MysqlDialect(mysql::Dialect server) : server_(server) {}

  std::string_view current_schema() const override { return "database()"; }
  Result<std::string> column_type(const Table& table, const Column& column,
                                  std::string_view quoted_name) const override {
    auto type = mysql::column_type(column.type, server_, quoted_name, key_columns(table, column));
    if (type) return type;
    Error error = std::move(type).error();
    error.location = column.location;
    return fail(std::move(error));
  }
  std::vector<ValueLimit> limits(const Table& table, const Column& column) const override {
    return mysql_limits(column, mysql::json_depth(server_), key_columns(table, column));
  }
  std::string table_options() const override {
    return " ENGINE=InnoDB DEFAULT" + mysql::text_collation(server_);
  }
  Result<void> check_key_length(const Table& table) const override;

  std::vector<std::string> make_scratch(std::string_view scratch, std::string_view columns,
                                        std::string_view like, Lifetime) const override {
    return {fmt::format("DROP TEMPORARY TABLE IF EXISTS {}", scratch),
            fmt::format("CREATE TEMPORARY TABLE {} ENGINE=InnoDB AS SELECT {} FROM {} LIMIT 0",
                        scratch, columns, like)};
  }
  std::string filled_scratch(std::string_view) const override { return {}; }
  bool refuses_early() const override { return false; }
  std::string update_from(std::string_view target, std::string_view source,
                          std::string_view condition,
                          const Assignments& assignments) const override {
    std::string list;
    for (const auto& [column, expression] : assignments) {
      list += fmt::format("{}t.{} = {}", list.empty() ? "" : ", ", column, expression);
    }
    return fmt::format("UPDATE {} t JOIN {} u ON {} SET {}", target, source, condition, list);
  }
  /// InnoDB checks row by row.
  std::string defer_checks() const override { return {}; }
  std::string check_now() const override { return {}; }
  std::string constraint_columns(std::string_view schema) const override {
    return fmt::format(
        "SELECT column_name FROM information_schema.key_column_usage WHERE table_schema = {} AND "
        "table_name = $1 AND constraint_name = $2 ORDER BY ordinal_position",
        schema);
  }

  std::string same(std::string_view left, std::string_view right) const override {
    return fmt::format("{} <=> {}", left, right);
  }
  std::string moment(Timestamp at) const override {
    std::string text = format_timestamp(at);
    text.pop_back();  // datetime takes no zone
    return text;
  }
  TypeKind moment_kind() const override { return TypeKind::timestamp; }
  std::string moment_text(std::string_view expression) const override {
    return fmt::format("DATE_FORMAT({}, '%Y-%m-%dT%H:%i:%sZ')", expression);
  }
  bool holds_nul() const override { return true; }
  std::string storable(std::string text) const override { return text; }

 private:
  static int key_columns(const Table& table, const Column& column);
  mysql::Dialect server_;
};

/// Of the longest index that the column is in.
int MysqlDialect::key_columns(const Table& table, const Column& column) {
  if (std::ranges::find(table.key, column.name) != table.key.end()) {
    return static_cast<int>(table.key.size());
  }
  const auto is_unique = [](const Rule& rule) { return rule.kind == RuleKind::unique; };
  return std::ranges::any_of(column.rules, is_unique) ? 1 : 0;
}

Result<void> MysqlDialect::check_key_length(const Table& table) const {
  const int columns = static_cast<int>(table.key.size());
  int bytes = 0;
  for (const std::string& name : table.key) {
    bytes += mysql::bytes_in_key(table.find_column(name)->type, columns);
  }
  if (bytes <= mysql::longest_key) return {};
  return fail(
      ErrorCode::invalid_project,
      fmt::format("the key of table '{}' takes up to {} bytes, and {} are the most that the "
                  "server's indexes take",
                  table.name.value(), bytes, mysql::longest_key),
      "give its varchar columns a smaller length: a character counts for four bytes",
      table.location);
}

}  // namespace

std::unique_ptr<const ServerDialect> ServerDialect::of(Engine engine,
                                                       const server::Connection& connection) {
  if (engine == Engine::postgres) return std::make_unique<PostgresDialect>();
  return std::make_unique<MysqlDialect>(mysql::dialect_of(connection.version()));
}

}  // namespace weir::pipeline
