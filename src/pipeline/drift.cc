#include "pipeline/drift.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "duckdb/database.h"
#include "pipeline/sql_fragment.h"
#include "pipeline/table_load.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

struct FoundColumn {
  std::string name;
  std::string type;
  bool not_null = false;
  bool has_default = false;
};

/// What the dictionary wants of one column, lineage's included.
struct WantedColumn {
  std::string name;
  std::string type;
  bool required = false;
  Location location;
};

std::vector<WantedColumn> wanted_columns(const Table& table) {
  std::vector<WantedColumn> wanted;
  for (const Column& column : table.columns) {
    const bool in_key =
        std::find(table.key.begin(), table.key.end(), column.name) != table.key.end();
    wanted.push_back(
        {column.name, duckdb::sql_type(column.type), column.required() || in_key, column.location});
  }
  if (table.lineage) {
    for (const LineageColumn& column : lineage_columns) {
      wanted.push_back({column.name, column.type, false, table.location});
    }
  }
  return wanted;
}

std::string schema_of(const Table& table) { return table.schema.empty() ? "main" : table.schema; }

/// One table's comparison.
class Comparison {
 public:
  Comparison(duckdb::Connection& connection, const Table& table)
      : connection_(connection), table_(table), target_(target_name(table)) {
    drift_.table = &table;
  }

  Result<TableDrift> run();

 private:
  Result<bool> find_columns();
  Result<bool> is_listed(const char* list, const char* noun);
  void compare(const WantedColumn& wanted, const FoundColumn& found);
  void add_missing(const WantedColumn& wanted);
  void add_extra(const FoundColumn& found);
  Difference difference(DriftKind kind, DriftEffect effect, Mending mending,
                        const std::string& column, std::string message) const;
  std::string alter(const std::string& what) const {
    return fmt::format("ALTER TABLE {} {}", target_, what);
  }
  std::string alter_column(const std::string& name, const std::string& what) const {
    return alter(fmt::format("ALTER COLUMN {} {}", quote_identifier(name), what));
  }

  duckdb::Connection& connection_;
  const Table& table_;
  const std::string target_;
  std::vector<FoundColumn> found_;
  TableDrift drift_;
};

Difference Comparison::difference(DriftKind kind, DriftEffect effect, Mending mending,
                                  const std::string& column, std::string message) const {
  Difference made;
  made.kind = kind;
  made.effect = effect;
  made.mending = mending;
  made.column = column;
  made.message = std::move(message);
  made.location = table_.location;
  return made;
}

/// False when the comparison ends here. Asks for the columns first: that is what costs least, and a
/// table that is as it should be is asked about before each load.
Result<bool> Comparison::find_columns() {
  const auto rows = connection_.run(
      "SELECT name, type, CAST(\"notnull\" AS INTEGER), CAST(dflt_value IS NOT NULL AS INTEGER) "
      "FROM pragma_table_info(" +
      duckdb::quote_literal(target_) + ")");
  if (!rows) {
    if (WEIR_TRY(is_listed("tables", "table")) || WEIR_TRY(is_listed("views", "view"))) {
      return fail(rows.error());
    }
    auto missing = difference(DriftKind::missing_table, DriftEffect::loads_go_on, Mending::safe, "",
                              fmt::format("table '{}' is not in the database; the first load "
                                          "makes it",
                                          table_.name.value()));
    missing.ddl = creation_ddl(table_);
    drift_.differences.push_back(std::move(missing));
    return false;
  }
  for (size_t i = 0; i < rows->size(); ++i) {
    found_.push_back(
        {rows->text(i, 0), rows->text(i, 1), rows->int64(i, 2) != 0, rows->int64(i, 3) != 0});
  }
  // A column of a view is never NOT NULL: mostly that settles it.
  const bool is_table = std::any_of(found_.begin(), found_.end(),
                                    [](const FoundColumn& column) { return column.not_null; });
  if (!is_table && WEIR_TRY(is_listed("views", "view"))) {
    auto view =
        difference(DriftKind::not_a_table, DriftEffect::stops_loads, Mending::by_hand, "",
                   fmt::format("table '{}' is a view in the database", table_.name.value()));
    view.fix = "drop or rename the view, or give the table another name";
    drift_.differences.push_back(std::move(view));
    return false;
  }
  return true;
}

/// Whether duckdb_tables() or duckdb_views() has the name.
Result<bool> Comparison::is_listed(const char* list, const char* noun) {
  const duckdb::Parameter names[] = {schema_of(table_), table_.name.value()};
  const auto rows = WEIR_TRY(
      connection_.run(fmt::format("SELECT 1 FROM duckdb_{}() WHERE database_name = "
                                  "current_database() AND lower(schema_name) = lower($1) AND "
                                  "lower({}_name) = lower($2)",
                                  list, noun),
                      names));
  return rows.size() > 0;
}

void Comparison::add_missing(const WantedColumn& wanted) {
  auto missing =
      difference(DriftKind::missing_column, DriftEffect::stops_loads, Mending::safe, wanted.name,
                 fmt::format("table '{}' in the database has no column '{}'", table_.name.value(),
                             wanted.name));
  missing.ddl.push_back(
      alter(fmt::format("ADD COLUMN {} {}", quote_identifier(wanted.name), wanted.type)));
  missing.wanted = wanted.type + (wanted.required ? " NOT NULL" : "");
  missing.location = wanted.location;
  drift_.differences.push_back(std::move(missing));
}

void Comparison::compare(const WantedColumn& wanted, const FoundColumn& found) {
  if (found.type != wanted.type) {
    auto type = difference(
        DriftKind::type, DriftEffect::stops_loads, Mending::unchecked, wanted.name,
        fmt::format("column '{}' of table '{}' is {} in the database and {} in the project",
                    wanted.name, table_.name.value(), found.type, wanted.type));
    type.wanted = wanted.type;
    type.found = found.type;
    type.ddl.push_back(alter_column(found.name, "SET DATA TYPE " + wanted.type));
    type.location = wanted.location;
    drift_.differences.push_back(std::move(type));
  }
  if (wanted.required && !found.not_null) {
    auto nullable = difference(
        DriftKind::not_null, DriftEffect::loads_go_on, Mending::unchecked, wanted.name,
        fmt::format("column '{}' of table '{}' is required in the project and may be NULL in the "
                    "database",
                    wanted.name, table_.name.value()));
    nullable.wanted = "NOT NULL";
    nullable.ddl.push_back(alter_column(found.name, "SET NOT NULL"));
    nullable.location = wanted.location;
    drift_.differences.push_back(std::move(nullable));
  }
  if (!wanted.required && found.not_null) {
    auto strict = difference(
        DriftKind::not_null, DriftEffect::stops_loads, Mending::safe, wanted.name,
        fmt::format("column '{}' of table '{}' is NOT NULL in the database and not required in "
                    "the project: a row without a value would fail a whole load",
                    wanted.name, table_.name.value()));
    strict.found = "NOT NULL";
    strict.ddl.push_back(alter_column(found.name, "DROP NOT NULL"));
    strict.location = wanted.location;
    drift_.differences.push_back(std::move(strict));
  }
}

void Comparison::add_extra(const FoundColumn& found) {
  const bool stops = found.not_null && !found.has_default;
  auto extra = difference(
      DriftKind::extra_column, stops ? DriftEffect::stops_loads : DriftEffect::none,
      Mending::by_hand, found.name,
      fmt::format("table '{}' in the database has a column '{}' that the project does not know",
                  table_.name.value(), found.name));
  extra.found = found.type + (found.not_null ? " NOT NULL" : "");
  extra.message += stops ? "; it is NOT NULL and has no default, so no row can be inserted"
                         : (found.has_default ? "; rows that are loaded get its default"
                                              : "; rows that are loaded get NULL");
  if (stops) {
    extra.fix = fmt::format("add it to the project, or let it be empty: {}",
                            alter_column(found.name, "DROP NOT NULL"));
  }
  drift_.differences.push_back(std::move(extra));
}

Result<TableDrift> Comparison::run() {
  if (!WEIR_TRY(find_columns())) return std::move(drift_);
  std::map<std::string, const FoundColumn*, NameLess> unknown;
  for (const FoundColumn& found : found_) unknown[found.name] = &found;
  for (const WantedColumn& column : wanted_columns(table_)) {
    const auto at = unknown.find(column.name);
    if (at == unknown.end()) {
      add_missing(column);
      continue;
    }
    compare(column, *at->second);
    unknown.erase(at);
  }
  for (const FoundColumn& found : found_) {
    if (unknown.contains(found.name)) add_extra(found);
  }
  return std::move(drift_);
}

}  // namespace

std::string_view to_string(DriftKind kind) {
  switch (kind) {
    case DriftKind::missing_table: return "missing table";
    case DriftKind::not_a_table: return "not a table";
    case DriftKind::missing_column: return "missing column";
    case DriftKind::extra_column: return "extra column";
    case DriftKind::type: return "type";
    case DriftKind::not_null: return "not null";
    case DriftKind::constraint: return "constraint";
    case DriftKind::rows: break;
  }
  return "rows";
}

std::string_view to_string(DriftEffect effect) {
  switch (effect) {
    case DriftEffect::none: return "harmless";
    case DriftEffect::loads_go_on: return "loads go on";
    case DriftEffect::stops_loads: break;
  }
  return "loads refused";
}

std::string_view to_string(Mending mending) {
  switch (mending) {
    case Mending::safe: return "safe";
    case Mending::unchecked: return "unchecked";
    case Mending::refused: return "refused";
    case Mending::by_hand: return "by hand";
    case Mending::done: break;
  }
  return "done";
}

bool TableDrift::is_missing() const {
  return !differences.empty() && differences.front().kind == DriftKind::missing_table;
}

bool TableDrift::stops_loads() const {
  return std::any_of(differences.begin(), differences.end(), [](const Difference& found) {
    return found.effect == DriftEffect::stops_loads;
  });
}

bool TableDrift::any() const {
  return std::any_of(differences.begin(), differences.end(), [](const Difference& found) {
    return found.effect != DriftEffect::none && found.mending != Mending::done;
  });
}

std::vector<std::string> creation_ddl(const Table& table) {
  std::vector<std::string> ddl;
  if (!table.schema.empty()) {
    ddl.push_back("CREATE SCHEMA IF NOT EXISTS " + quote_identifier(table.schema));
  }
  std::string columns;
  for (const WantedColumn& column : wanted_columns(table)) {
    columns += fmt::format("{}{} {}{}", columns.empty() ? "" : ", ", quote_identifier(column.name),
                           column.type, column.required ? " NOT NULL" : "");
  }
  ddl.push_back(fmt::format("CREATE TABLE IF NOT EXISTS {} ({})", target_name(table), columns));
  return ddl;
}

Result<TableDrift> compare_structure(duckdb::Connection& connection, const Table& table) {
  return Comparison(connection, table).run();
}

Result<void> refuse_drift(const TableDrift& drift) {
  const auto at = std::find_if(
      drift.differences.begin(), drift.differences.end(),
      [](const Difference& found) { return found.effect == DriftEffect::stops_loads; });
  if (at == drift.differences.end()) return {};
  const auto others = std::count_if(at + 1, drift.differences.end(), [](const Difference& found) {
    return found.effect == DriftEffect::stops_loads;
  });
  std::string message = at->message;
  if (others > 0)
    message += fmt::format(" (and {} more difference{})", others, others == 1 ? "" : "s");
  return fail(ErrorCode::sql, std::move(message),
              fmt::format("`weir drift {}` shows what differs and what mends it",
                          drift.table->name.value()),
              at->location);
}

Result<void> ensure_table(duckdb::Connection& connection, const Table& table) {
  const TableDrift drift = WEIR_TRY(compare_structure(connection, table));
  if (drift.is_missing()) {
    for (const std::string& ddl : drift.differences.front().ddl) WEIR_TRY(connection.run(ddl));
  }
  return refuse_drift(drift);
}

}  // namespace weir::pipeline
