#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "model/table.h"
#include "pipeline/table_catalog.h"

namespace weir::pipeline {

/// In what a table of the database differs from its dictionary entry.
enum class DriftKind {
  missing_table,
  not_a_table,     ///< a view has its name
  missing_column,  ///< of the dictionary's, or of lineage
  extra_column,    ///< the dictionary does not know it
  type,
  not_null,
  constraint,  ///< one the dictionary does not know: a key, UNIQUE, CHECK, FOREIGN KEY
  rows,        ///< rows that break the contract
};

enum class DriftEffect {
  none,         ///< harmless: loads go on, and there is nothing to mend
  loads_go_on,  ///< should be mended; a load does no harm meanwhile
  stops_loads,  ///< a load is refused before it reads
};

/// Whether the DDL may be run.
enum class Mending {
  safe,       ///< it keeps every value
  unchecked,  ///< the values that are there decide: see check_rows (pipeline/find_drift.h)
  refused,    ///< values are in the way: `rows` of them, for instance `example`
  by_hand,    ///< a person has to decide; `fix` says what
  done,       ///< it was run
};

std::string_view to_string(DriftKind kind);
std::string_view to_string(DriftEffect effect);
std::string_view to_string(Mending mending);

struct Difference {
  DriftKind kind = DriftKind::rows;
  DriftEffect effect = DriftEffect::loads_go_on;
  Mending mending = Mending::by_hand;
  std::string column;            ///< as the dictionary, else the database spells it; or empty
  std::string wanted;            ///< by the dictionary: a type, "NOT NULL", a rule; or empty
  std::string found;             ///< in the database, likewise
  std::string message;           ///< one sentence that names table, column and what differs
  std::string fix;               ///< what to do where no DDL mends it
  std::vector<std::string> ddl;  ///< in order; empty: none mends it
  uint64_t rows = 0;             ///< that are in the way, or break the contract
  std::string example;           ///< one of them
  Location location;             ///< of what the dictionary says
};

struct TableDrift {
  const Table* table = nullptr;
  std::vector<Difference> differences;  ///< of columns: in the dictionary's order, then the others

  bool is_missing() const;  ///< the table as a whole
  bool stops_loads() const;
  /// Anything but what is harmless or mended.
  bool any() const;
};

/// The names of columns that lineage adds to a table, and their types in SQL.
struct LineageColumn {
  const char* name;
  const char* type;
};
inline constexpr LineageColumn lineage_columns[] = {{"weir_run", "VARCHAR"},
                                                    {"weir_element", "BIGINT"}};

/// Compares the catalog with the dictionary; looks at no row, so that it is cheap before each load.
/// Errors: those of the catalog.
Result<TableDrift> compare_structure(TableCatalog& catalog, const Table& table);
Result<TableDrift> compare_structure(duckdb::Connection& connection, const Table& table);

/// Errors: sql when a load into the table would fail, naming the first reason and `weir drift`.
Result<void> refuse_drift(const TableDrift& drift);

/// Before a load: creates the table when it is missing. Errors: sql when a load
/// into the table that is there would fail, naming the first difference.
Result<void> ensure_table(duckdb::Connection& connection, const Table& table);

}  // namespace weir::pipeline
