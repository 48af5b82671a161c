#include "pipeline/postgres_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "pipeline/server_tables.h"
#include "postgres/table_facts.h"
#include "postgres/types.h"

namespace weir::pipeline {
namespace {

std::string_view base_of(std::string_view type) { return type.substr(0, type.find('(')); }

/// Text, a varchar or a char: Postgres turns one into the other, or refuses to.
bool is_text(std::string_view type) {
  const std::string_view base = base_of(type);
  return base == "text" || base == "varchar" || base == "char";
}

bool is_float(std::string_view type) { return type == "real" || type == "double precision"; }

/// The type of DuckDB's that reads what Postgres writes; what it does not read (a numeric's NaN)
/// has no place in any of weir's. VARCHAR where DuckDB has none.
std::string reads_as(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 13> types = {{
      {"boolean", "BOOLEAN"},
      {"smallint", "SMALLINT"},
      {"integer", "INTEGER"},
      {"bigint", "BIGINT"},
      {"real", "FLOAT"},
      {"double precision", "DOUBLE"},
      {"date", "DATE"},
      {"time", "TIME"},
      {"timestamp", "TIMESTAMP"},
      {"timestamptz", "TIMESTAMP WITH TIME ZONE"},
      {"uuid", "UUID"},
      {"json", "JSON"},
      {"jsonb", "JSON"},
  }};
  if (type == "bytea") return "BLOB";
  int precision = 0, scale = 0;
  const std::string text(type);
  if (std::sscanf(text.c_str(), "numeric(%d,%d)", &precision, &scale) == 2 && precision <= 38 &&
      scale >= 0 && scale <= precision && !type.ends_with("[]")) {
    return fmt::format("DECIMAL({},{})", precision, scale);
  }
  const std::string_view base = base_of(type);
  for (const auto& [name, duckdb_type] : types) {
    if (name == base && !type.ends_with("[]")) return std::string(duckdb_type);
  }
  return "VARCHAR";
}

std::string_view noun_of(char kind) {
  switch (kind) {
    case 'v': return "a view";
    case 'm': return "a materialized view";
    default: return "a foreign table";
  }
}

}  // namespace

Result<FoundTable> PostgresCatalog::find(const Table& table) {
  const auto facts = WEIR_TRY(postgres::table_facts(connection_, table.schema, table.name.value()));
  FoundTable found;
  if (facts.kind == 0) return found;
  found.kind =
      facts.kind == 'r' || facts.kind == 'p' ? FoundTable::Kind::table : FoundTable::Kind::other;
  if (found.kind == FoundTable::Kind::other) {
    found.noun = noun_of(facts.kind);
    found.fix = "drop or rename it, or give the table another name";
  }
  const auto wanted = wanted_columns(table);
  for (const postgres::ColumnFacts& fact : facts.columns) {
    FoundColumn column{.name = fact.name, .type = postgres::comparable_type(fact.target.name)};
    column.reads_as = reads_as(column.type);
    column.not_null = fact.not_null;
    column.has_default = fact.has_default;
    for (const WantedColumn& one : wanted) {
      if (one.column.name != fact.name) continue;
      column.fit = postgres::fit_of(one.column.type, fact.target);
    }
    if (fact.target.generated) column.type += " (generated)";
    found.columns.push_back(std::move(column));
  }
  return found;
}

Result<std::vector<server::TableGuard>> PostgresCatalog::guards(const Table& table) {
  return postgres::table_guards(connection_, table.schema, table.name.value());
}

std::string PostgresCatalog::quote_identifier(std::string_view name) const {
  return connection_.quote_identifier(name);
}

std::string PostgresCatalog::target(const Table& table) const {
  return server_name(connection_, table);
}

std::string PostgresCatalog::text_of(const FoundColumn& found,
                                     const std::string& expression) const {
  return found.type.ends_with("[]") ? fmt::format("to_json({})::text", expression) : expression;
}

Result<std::string> PostgresCatalog::type_sql(const Table&, const Column& column) const {
  return postgres::column_type(column.type);
}

Result<std::vector<std::string>> PostgresCatalog::creation_ddl(const Table& table) const {
  return server_creation_ddl(connection_, Engine::postgres, table);
}

/// By a cast that keeps a value which weir's own conversion takes: a float's digits are those of
/// its text, which the cast to numeric cuts to fifteen.
std::string PostgresCatalog::set_type(const Table& table, const FoundColumn& found,
                                      const std::string& type) const {
  const std::string name = quote_identifier(found.name);
  if (is_text(type)) {
    // Too long a text is refused by what assigns it; a cast would cut it off.
    const std::string as_text = is_text(found.type) ? "" : " USING " + name + "::text";
    return TableCatalog::set_type(table, found, type + as_text);
  }
  std::string source = name;
  if (found.reads_as == "JSON" && type != "json") {
    source = fmt::format("({} #>> '{{}}')", name);
  } else if (is_float(found.type) || found.reads_as == "VARCHAR") {
    source += "::text";
  }
  return TableCatalog::set_type(table, found, fmt::format("{} USING {}::{}", type, source, type));
}

}  // namespace weir::pipeline
