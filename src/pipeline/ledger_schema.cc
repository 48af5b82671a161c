#include "pipeline/ledger_schema.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::pipeline {
namespace {

struct LedgerColumn {
  const char* name;
  const char* definition;
  bool added = false;  ///< not in the first weir's tables; only ever appended, and never NOT NULL
};

/// DuckdbLedger::write_loads appends in this order.
constexpr LedgerColumn load_columns[] = {
    {"load_id", "BIGINT NOT NULL DEFAULT nextval('weir_load_ids')"},
    {"key_hash", "BIGINT NOT NULL"},
    {"pipeline", "VARCHAR NOT NULL"},
    {"step", "INTEGER NOT NULL"},
    {"bucket", "VARCHAR"},
    {"key", "VARCHAR"},
    {"version", "VARCHAR NOT NULL"},
    {"attempt", "BIGINT NOT NULL"},
    {"size_bytes", "BIGINT NOT NULL"},
    {"run_id", "VARCHAR NOT NULL"},
    {"table_name", "VARCHAR NOT NULL"},
    {"status", "VARCHAR NOT NULL"},
    {"rows_read", "BIGINT NOT NULL"},
    {"rows_expanded", "BIGINT NOT NULL"},
    {"rows_folded", "BIGINT NOT NULL"},
    {"rows_inserted", "BIGINT NOT NULL"},
    {"rows_updated", "BIGINT NOT NULL"},
    {"rows_unchanged", "BIGINT NOT NULL"},
    {"rows_loaded", "BIGINT NOT NULL"},
    {"rows_deduplicated", "BIGINT NOT NULL"},
    {"rows_filtered", "BIGINT NOT NULL"},
    {"rows_rejected", "BIGINT NOT NULL"},
    {"rows_replaced", "BIGINT NOT NULL"},
    {"duration_ms", "DOUBLE NOT NULL"},
    {"rejects", "VARCHAR"},
    {"committed_at", "TIMESTAMPTZ NOT NULL"},
    {"replay_of", "VARCHAR", true},
};

/// DuckdbLedger::write_reject appends in this order.
constexpr LedgerColumn reject_columns[] = {
    {"run_id", "VARCHAR NOT NULL"},
    {"pipeline", "VARCHAR NOT NULL"},
    {"table_name", "VARCHAR NOT NULL"},
    {"bucket", "VARCHAR"},
    {"key", "VARCHAR"},
    {"version", "VARCHAR NOT NULL"},
    {"element", "BIGINT NOT NULL"},
    {"line", "BIGINT"},
    {"byte_begin", "BIGINT NOT NULL"},
    {"byte_end", "BIGINT NOT NULL"},
    {"field", "VARCHAR"},
    {"rule", "VARCHAR NOT NULL"},
    {"value", "VARCHAR"},
    {"message", "VARCHAR"},
    {"problems", "VARCHAR NOT NULL"},
    {"raw", "VARCHAR"},
    {"rejected_at", "TIMESTAMPTZ NOT NULL"},
    {"reject_id", "BIGINT", true},
    {"step", "INTEGER", true},
    {"dictionary_version", "VARCHAR", true},
    {"produced", "VARCHAR", true},
    {"entry_step", "INTEGER", true},
    {"header", "VARCHAR", true},
    {"mended", "VARCHAR", true},
    {"resolved_at", "TIMESTAMPTZ", true},
    {"resolved_by", "VARCHAR", true},
    {"resolution", "VARCHAR", true},
    {"rolled_back", "BOOLEAN", true},
};

/// Rejects of a weir that did not number them: only committed loads left any.
constexpr const char* number_old_rejects =
    "UPDATE weir_rejects SET reject_id = nextval('weir_reject_ids'), rolled_back = FALSE, "
    "step = (SELECT max(l.step) FROM weir_loads l WHERE l.run_id = weir_rejects.run_id)";

Result<bool> is_there(duckdb::Connection& connection, const char* table) {
  const duckdb::Parameter name = std::string(table);
  const auto found = WEIR_TRY(
      connection.run("SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND "
                     "schema_name = 'main' AND table_name = $1",
                     {&name, 1}));
  return found.size() > 0;
}

template <size_t count>
Result<void> create(duckdb::Connection& connection, const std::string& table,
                    const LedgerColumn (&columns)[count]) {
  std::string list;
  for (const LedgerColumn& column : columns) {
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", column.name, column.definition);
  }
  WEIR_TRY(connection.run(fmt::format("CREATE TABLE {} ({})", table, list)));
  return {};
}

/// What a receipt that was kept as JSON says of a column that it has now; empty: the table had it.
std::string from_receipt(std::string_view column) {
  constexpr std::string_view had[] = {"rows_read", "rows_loaded", "rows_rejected"};
  if (column == "rejects") return "nullif(receipt ->> '$.rejects', '[]')";
  if (column == "duration_ms") return "coalesce(CAST(receipt ->> '$.duration_ms' AS DOUBLE), 0)";
  if (!column.starts_with("rows_") || std::ranges::find(had, column) != std::end(had)) return {};
  return fmt::format("coalesce(CAST(receipt ->> '$.rows.{}' AS BIGINT), 0)", column.substr(5));
}

/// An older weir kept each receipt as JSON, which made the table five times as wide. Written anew
/// and not updated, for DuckDB holds updates in memory until they are committed.
Result<void> spread_receipts(duckdb::Connection& connection) {
  const auto existing = WEIR_TRY(connection.describe("SELECT * FROM weir_loads"));
  const bool old = std::ranges::any_of(
      existing, [](const duckdb::ResultColumn& column) { return column.name == "receipt"; });
  if (!old) return {};
  std::string names, values;
  for (const LedgerColumn& column : load_columns) {
    const std::string value = from_receipt(column.name);
    names += fmt::format("{}{}", names.empty() ? "" : ", ", column.name);
    values += fmt::format("{}{}", values.empty() ? "" : ", ", value.empty() ? column.name : value);
  }
  WEIR_TRY(create(connection, "weir_loads_spread", load_columns));
  WEIR_TRY(connection.run(
      fmt::format("INSERT INTO weir_loads_spread ({}) SELECT {} FROM weir_loads", names, values)));
  WEIR_TRY(connection.run("DROP TABLE weir_loads"));
  WEIR_TRY(connection.run("ALTER TABLE weir_loads_spread RENAME TO weir_loads"));
  return {};
}

/// True: columns were added to a table that was there.
template <size_t count>
Result<bool> create_or_extend(duckdb::Connection& connection, const char* table,
                              const LedgerColumn (&columns)[count]) {
  if (!WEIR_TRY(is_there(connection, table))) {
    WEIR_TRY(create(connection, table, columns));
    return false;
  }
  const auto existing = WEIR_TRY(connection.describe(fmt::format("SELECT * FROM {}", table)));
  bool extended = false;
  for (const LedgerColumn& column : columns) {
    const bool there = std::any_of(existing.begin(), existing.end(),
                                   [&](const auto& found) { return found.name == column.name; });
    if (there || !column.added) continue;
    WEIR_TRY(connection.run(
        fmt::format("ALTER TABLE {} ADD COLUMN {} {}", table, column.name, column.definition)));
    extended = true;
  }
  return extended;
}

}  // namespace

Result<void> create_ledger_tables(duckdb::Connection& connection) {
  auto transaction = WEIR_TRY(duckdb::Transaction::begin(connection));
  WEIR_TRY(connection.run("CREATE SEQUENCE IF NOT EXISTS weir_load_ids"));
  WEIR_TRY(connection.run("CREATE SEQUENCE IF NOT EXISTS weir_reject_ids"));
  WEIR_TRY(create_or_extend(connection, "weir_loads", load_columns));
  WEIR_TRY(spread_receipts(connection));
  const bool extended = WEIR_TRY(create_or_extend(connection, "weir_rejects", reject_columns));
  if (extended) WEIR_TRY(connection.run(number_old_rejects));
  return transaction.commit();
}

}  // namespace weir::pipeline
