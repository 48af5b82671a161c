#include "pipeline/server_upsert.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/server_catalog.h"
#include "pipeline/server_tables.h"

namespace weir::pipeline {
namespace {

/// Rows are told apart as inserted or updated by what heap tables keep of a row's locks.
constexpr const char* plain_table_query = R"(
  SELECT c.relkind = 'r' AND a.amname = 'heap' AND NOT c.relrowsecurity AND NOT c.relhasrules
         AND NOT c.relhassubclass
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                          WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D')
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                          WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u') AND k.condeferrable)
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute b
                           JOIN pg_catalog.pg_collation l ON l.oid = b.attcollation
                          WHERE b.attrelid = c.oid AND b.attnum > 0 AND NOT l.collisdeterministic)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am a ON a.oid = c.relam
   WHERE c.oid = $1::pg_catalog.regclass)";

/// Whether the server's `=` and weir's agree about values of the column.
bool compares_alike(const Column& column, const FoundColumn* found) {
  if (found == nullptr || column.type.kind == TypeKind::list) return false;
  if (found->fit == server::TypeFit::same) return true;
  const bool keeps_text = found->type == "text" || found->type.starts_with("varchar");
  return column.type.kind == TypeKind::varchar && keeps_text;
}

bool in_key(const Table& table, const Column& column) {
  return std::ranges::find(table.key, column.name) != table.key.end();
}

/// Of the row that is there, called t, and the one that was not inserted because of it. There is no
/// `=` for json.
std::string differs(const server::Connection& server, const Table& table) {
  std::string any;
  for (const Column& column : table.columns) {
    if (in_key(table, column)) continue;
    const std::string name = server.quote_identifier(column.name);
    const std::string_view as = column.type.kind == TypeKind::json ? "::text" : "";
    any += fmt::format("{}t.{}{} IS DISTINCT FROM EXCLUDED.{}{}", any.empty() ? "" : " OR ", name,
                       as, name, as);
  }
  return any;
}

}  // namespace

Result<bool> decides_alike(server::Connection& server, Engine engine, const Table& table) {
  if (engine != Engine::postgres) return false;
  const server::Cell name = server_name(server, table);
  const auto plain = WEIR_TRY(server.run(plain_table_query, {&name, 1}));
  if (plain.size() == 0 || plain.text(0, 0) != "t") return false;
  const FoundTable found = WEIR_TRY(server_catalog(server, engine)->find(table));
  return std::ranges::all_of(table.columns, [&](const Column& column) {
    return compares_alike(column, found.find_column(column.name));
  });
}

Result<UpsertCounts> upsert_rows(server::Connection& server, const Table& table,
                                 const std::vector<Column>& columns, const std::string& source) {
  std::string names;
  std::string keys;
  std::string assigned;
  for (const Column& column : columns) {
    const std::string name = server.quote_identifier(column.name);
    names += (names.empty() ? "" : ", ") + name;
    if (in_key(table, column)) {
      keys += (keys.empty() ? "" : ", ") + name;
    } else {
      assigned += fmt::format("{}{} = EXCLUDED.{}", assigned.empty() ? "" : ", ", name, name);
    }
  }
  const std::string changed = differs(server, table);
  const std::string on_conflict =
      changed.empty() ? "NOTHING" : fmt::format("UPDATE SET {} WHERE {}", assigned, changed);
  // A row that was there is locked before it is changed, and its successor still shows that.
  const auto counts = WEIR_TRY(server.run(fmt::format(
      "WITH written AS (INSERT INTO {0} AS t ({1}) SELECT {1} FROM {2} ON CONFLICT ({3}) DO {4} "
      "RETURNING t.xmax = 0 AS is_new) SELECT count(*) FILTER (WHERE is_new), count(*) FILTER "
      "(WHERE NOT is_new) FROM written",
      server_name(server, table), names, source, keys, on_conflict)));
  return UpsertCounts{static_cast<uint64_t>(counts.int64(0, 0)),
                      static_cast<uint64_t>(counts.int64(0, 1))};
}

}  // namespace weir::pipeline
