#include "config/sql_entry.h"

namespace weir::config {

const SqlText* SqlEntry::find(Engine engine) const {
  const auto& own = engine == Engine::duckdb     ? duckdb
                    : engine == Engine::postgres ? postgres
                                                 : mysql;
  const auto& text = any ? any : own;
  return text ? &*text : nullptr;
}

Value<SqlEntry> sql_entry_value(std::string type) {
  const Value<SqlText> sql = sql_value(std::move(type));
  const Value<SqlEntry> full =
      Record<SqlEntry>("sql", "SQL that differs from engine to engine.")
          .optional("duckdb", &SqlEntry::duckdb, sql, "For duckdb:// databases.", "SELECT 1 AS n")
          .optional("postgres", &SqlEntry::postgres, sql, "For postgres:// databases.",
                    "SELECT 1 AS n")
          .optional("mysql", &SqlEntry::mysql, sql, "For mysql:// databases.", "SELECT 1 AS n")
          .value();
  Value<SqlEntry> out = full;
  out.outline = either_outline(sql.outline, full.outline);
  out.read = [full = full.read, brief = sql.read](const YamlNode& node,
                                                  Reader& reader) -> std::optional<SqlEntry> {
    if (node.kind == YamlKind::map) return full(node, reader);
    const Location place = reader.place(node);
    std::optional<SqlText> text = brief(node, reader);
    if (!text) return std::nullopt;
    SqlEntry entry;
    entry.any = *std::move(text);
    entry.location = place;
    return entry;
  };
  return out;
}

std::string_view engine_word(Engine engine) {
  switch (engine) {
    case Engine::duckdb: return "duckdb";
    case Engine::postgres: return "postgres";
    case Engine::mysql: return "mysql";
  }
  return "duckdb";
}

}  // namespace weir::config
