#include "pipeline/drift.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pipeline/duckdb_catalog.h"

namespace weir::pipeline {
namespace {

using server::TypeFit;

/// One table's comparison.
class Comparison {
 public:
  Comparison(TableCatalog& catalog, const Table& table) : catalog_(catalog), table_(table) {
    drift_.table = &table;
  }

  Result<TableDrift> run();

 private:
  Result<void> add_missing_table();
  void add_other(const FoundTable& found);
  void compare_type(const WantedColumn& wanted, const FoundColumn& found, const std::string& type);
  void compare_nulls(const WantedColumn& wanted, const FoundColumn& found);
  void add_missing(const WantedColumn& wanted, const std::string& type);
  void add_extra(const FoundColumn& found);
  Difference difference(DriftKind kind, DriftEffect effect, Mending mending,
                        const std::string& column, std::string message) const;
  void mend_by(Difference& difference, std::string ddl) const;
  void mend_null(Difference& difference, const FoundColumn& found, std::string ddl) const;

  TableCatalog& catalog_;
  const Table& table_;
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

void Comparison::mend_by(Difference& difference, std::string ddl) const {
  if (!ddl.empty()) {
    difference.ddl.push_back(std::move(ddl));
    return;
  }
  difference.mending = Mending::by_hand;
  difference.fix =
      "alter the column yourself: it has a default, a comment or a check, which would have to be "
      "stated anew";
}

/// Stating a column anew would change its type, too.
void Comparison::mend_null(Difference& difference, const FoundColumn& found,
                           std::string ddl) const {
  if (!catalog_.restates_columns() || found.fit == TypeFit::same || found.fit == TypeFit::wider) {
    return mend_by(difference, std::move(ddl));
  }
  difference.mending = Mending::by_hand;
  difference.fix = "mend the column's type first";
}

Result<void> Comparison::add_missing_table() {
  auto missing = difference(DriftKind::missing_table, DriftEffect::loads_go_on, Mending::safe, "",
                            fmt::format("table '{}' is not in the database; the first load "
                                        "makes it",
                                        table_.name.value()));
  missing.ddl = WEIR_TRY(catalog_.creation_ddl(table_));
  drift_.differences.push_back(std::move(missing));
  return {};
}

void Comparison::add_other(const FoundTable& found) {
  auto other =
      difference(DriftKind::not_a_table, DriftEffect::stops_loads, Mending::by_hand, "",
                 fmt::format("table '{}' is {} in the database", table_.name.value(), found.noun));
  other.fix = found.fix;
  drift_.differences.push_back(std::move(other));
}

void Comparison::add_missing(const WantedColumn& wanted, const std::string& type) {
  const Column& column = wanted.column;
  auto missing =
      difference(DriftKind::missing_column, DriftEffect::stops_loads, Mending::safe, column.name,
                 fmt::format("table '{}' in the database has no column '{}'", table_.name.value(),
                             column.name));
  missing.ddl.push_back(catalog_.add_column(table_, column, type));
  missing.wanted = type + (wanted.required ? " NOT NULL" : "");
  missing.location = column.location;
  drift_.differences.push_back(std::move(missing));
}

void Comparison::compare_type(const WantedColumn& wanted, const FoundColumn& found,
                              const std::string& wanted_type) {
  if (found.fit == TypeFit::same) return;
  const Column& column = wanted.column;
  auto type = difference(
      DriftKind::type, DriftEffect::stops_loads, Mending::unchecked, column.name,
      fmt::format("column '{}' of table '{}' is {} in the database and {} in the project",
                  column.name, table_.name.value(), found.type, wanted_type));
  type.wanted = wanted_type;
  type.found = found.type;
  type.location = column.location;
  if (found.fit == TypeFit::wider) {
    type.effect = DriftEffect::none;
    type.mending = Mending::by_hand;
    type.message += ", and holds every value of it";
  } else {
    mend_by(type, catalog_.set_type(table_, found, wanted_type));
  }
  if (found.fit == TypeFit::narrower) {
    type.effect = DriftEffect::loads_go_on;
    type.message += "; a value that it does not hold is refused by the database";
  }
  drift_.differences.push_back(std::move(type));
}

void Comparison::compare_nulls(const WantedColumn& wanted, const FoundColumn& found) {
  const Column& column = wanted.column;
  if (wanted.required && !found.not_null) {
    auto nullable = difference(
        DriftKind::not_null, DriftEffect::loads_go_on, Mending::unchecked, column.name,
        fmt::format("column '{}' of table '{}' is required in the project and may be NULL in the "
                    "database",
                    column.name, table_.name.value()));
    nullable.wanted = "NOT NULL";
    mend_null(nullable, found, catalog_.set_not_null(table_, found));
    nullable.location = column.location;
    drift_.differences.push_back(std::move(nullable));
  }
  if (!wanted.required && found.not_null) {
    const bool by_row = catalog_.refuses_row_by_row();
    auto strict = difference(
        DriftKind::not_null, by_row ? DriftEffect::loads_go_on : DriftEffect::stops_loads,
        Mending::safe, column.name,
        fmt::format("column '{}' of table '{}' is NOT NULL in the database and not required in "
                    "the project: a row without a value {}",
                    column.name, table_.name.value(),
                    by_row ? "is refused by the database" : "would fail a whole load"));
    strict.found = "NOT NULL";
    mend_null(strict, found, catalog_.drop_not_null(table_, found));
    strict.location = column.location;
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
                            catalog_.drop_not_null(table_, found));
  }
  drift_.differences.push_back(std::move(extra));
}

Result<TableDrift> Comparison::run() {
  const FoundTable found = WEIR_TRY(catalog_.find(table_));
  if (found.kind == FoundTable::Kind::missing) {
    WEIR_TRY(add_missing_table());
    return std::move(drift_);
  }
  if (found.kind == FoundTable::Kind::other) {
    add_other(found);
    return std::move(drift_);
  }
  std::set<std::string> known;
  for (const WantedColumn& wanted : wanted_columns(table_)) {
    const std::string type = WEIR_TRY(catalog_.type_sql(table_, wanted.column));
    const FoundColumn* column = found.find_column(wanted.column.name);
    if (column == nullptr) {
      add_missing(wanted, type);
      continue;
    }
    known.insert(column->name);
    compare_type(wanted, *column, type);
    compare_nulls(wanted, *column);
  }
  for (const FoundColumn& column : found.columns) {
    if (!known.contains(column.name)) add_extra(column);
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

Result<TableDrift> compare_structure(TableCatalog& catalog, const Table& table) {
  return Comparison(catalog, table).run();
}

Result<TableDrift> compare_structure(duckdb::Connection& connection, const Table& table) {
  DuckdbCatalog catalog(connection);
  return compare_structure(catalog, table);
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
