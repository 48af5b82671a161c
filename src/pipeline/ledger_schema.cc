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
    {"rows_loaded", "BIGINT NOT NULL"},
    {"rows_rejected", "BIGINT NOT NULL"},
    {"committed_at", "TIMESTAMPTZ NOT NULL"},
    {"receipt", "VARCHAR NOT NULL"},
    {"replay_of", "VARCHAR", true},
};

/// Ledger::write_reject appends in this order.
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

/// True: columns were added to a table that was there.
template <size_t count>
Result<bool> create_or_extend(duckdb::Connection& connection, const char* table,
                              const LedgerColumn (&columns)[count]) {
  if (!WEIR_TRY(is_there(connection, table))) {
    std::string list;
    for (const LedgerColumn& column : columns) {
      list += fmt::format("{}{} {}", list.empty() ? "" : ", ", column.name, column.definition);
    }
    WEIR_TRY(connection.run(fmt::format("CREATE TABLE {} ({})", table, list)));
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
  const bool extended = WEIR_TRY(create_or_extend(connection, "weir_rejects", reject_columns));
  if (extended) WEIR_TRY(connection.run(number_old_rejects));
  return transaction.commit();
}

}  // namespace weir::pipeline
