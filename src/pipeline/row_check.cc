#include "pipeline/row_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "pipeline/drift.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

std::string counted(uint64_t rows, std::string_view noun) {
  return fmt::format("{} {}{}", rows, noun, rows == 1 ? "" : "s");
}

/// Checks one table. What is asked of single rows is gathered, and asked in one reading.
class RowCheck {
 public:
  RowCheck(const Project& project, TableCatalog& catalog, TableRows& rows, TableDrift& drift)
      : project_(project), catalog_(catalog), rows_(rows), table_(*drift.table), drift_(drift) {}

  Result<void> run();

 private:
  using Told = std::function<void(const RowCount&)>;

  bool sound(const std::string& column) const;
  bool all_sound() const;
  bool key_sound() const;
  std::string row_text() const;
  std::string value_text(const std::string& column) const;

  void ask(RowTest test, Told told);
  Result<void> ask_all();
  Result<void> check_type(size_t index);
  void check_not_null(size_t index);
  Result<void> check_missing(Difference& difference);
  Result<void> check_structure();
  Result<void> find_repeated(const std::vector<std::string>& columns, const Rule* rule);
  Result<void> find_orphans(const Column& column, const Rule& rule);
  void find_misfits();
  void find_rule_breakers();
  Result<void> find_guards();
  bool knows(const server::TableGuard& guard) const;
  void add_guard(const server::TableGuard& guard);
  void add_missing_guard(std::string_view kind, const std::vector<std::string>& columns,
                         const Location& location);

  Told refused_where_any(size_t index, std::string reason);
  Told told_where_any(Difference broken);
  Difference broken(const std::string& column, const std::string& rule,
                    const Location& location) const;
  Result<bool> is_there(const Table& table);

  const Project& project_;
  TableCatalog& catalog_;
  TableRows& rows_;
  const Table& table_;
  TableDrift& drift_;
  std::vector<RowTest> tests_;
  std::vector<Told> told_;
  std::vector<std::vector<std::string>> repeated_;  // columns that rows share
};

/// Whether values of the column can be read as the dictionary's, so that SQL may speak of it.
bool RowCheck::sound(const std::string& column) const {
  return std::ranges::none_of(drift_.differences, [&](const Difference& found) {
    if (found.mending == Mending::done || found.column != column) return false;
    const bool unreadable =
        found.kind == DriftKind::type && found.effect == DriftEffect::stops_loads;
    return unreadable || found.kind == DriftKind::missing_column;
  });
}

bool RowCheck::all_sound() const {
  return std::ranges::all_of(table_.columns,
                             [&](const Column& column) { return sound(column.name); });
}

bool RowCheck::key_sound() const {
  return !table_.key.empty() &&
         std::ranges::all_of(table_.key, [&](const std::string& name) { return sound(name); });
}

/// A row as people find it again: its key, else all of it.
std::string RowCheck::row_text() const {
  if (!key_sound()) return "left(CAST(to_json(weir_t) AS VARCHAR), 200)";
  std::string parts;
  for (const std::string& name : table_.key) {
    parts += fmt::format("{}coalesce(CAST(weir_t.{} AS VARCHAR), 'NULL')",
                         parts.empty() ? "" : ", ", quote_identifier(name));
  }
  return fmt::format("'key ' || left(concat_ws(', ', {}), 200)", parts);
}

std::string RowCheck::value_text(const std::string& column) const {
  return fmt::format("coalesce(left(CAST(weir_t.{} AS VARCHAR), 200), 'NULL') || ' (' || {} || ')'",
                     quote_identifier(column), row_text());
}

void RowCheck::ask(RowTest test, Told told) {
  tests_.push_back(std::move(test));
  told_.push_back(std::move(told));
}

Result<void> RowCheck::ask_all() {
  if (tests_.empty()) return {};
  const auto counts = WEIR_TRY(rows_.test(tests_));
  for (size_t i = 0; i < counts.size(); ++i) told_[i](counts[i]);
  return {};
}

/// The difference becomes safe, or refused when any row was found.
RowCheck::Told RowCheck::refused_where_any(size_t index, std::string reason) {
  return [this, index, reason = std::move(reason)](const RowCount& count) {
    Difference& difference = drift_.differences[index];
    difference.rows = count.rows;
    difference.mending = count.rows == 0 ? Mending::safe : Mending::refused;
    if (count.rows == 0) return;
    difference.example = count.example;
    difference.fix = fmt::format(fmt::runtime(reason), counted(count.rows, "row"));
  };
}

RowCheck::Told RowCheck::told_where_any(Difference broken) {
  return [this, broken = std::move(broken)](const RowCount& count) mutable {
    if (count.rows == 0) return;
    broken.rows = count.rows;
    broken.example = count.example;
    broken.message = fmt::format("'{}' of column '{}' is broken by {} of table '{}'", broken.wanted,
                                 broken.column, counted(count.rows, "row"), table_.name.value());
    drift_.differences.push_back(std::move(broken));
  };
}

Result<void> RowCheck::check_type(size_t index) {
  Difference& difference = drift_.differences[index];
  const auto all = wanted_columns(table_);
  const auto wanted = std::ranges::find_if(
      all, [&](const WantedColumn& one) { return one.column.name == difference.column; });
  auto change = rows_.change_type(difference.column, wanted->column.type, difference.wanted);
  if (!change) {
    if (change.error().code != ErrorCode::sql) return fail(change.error());
    difference.mending = Mending::by_hand;
    difference.ddl.clear();
    difference.fix = change.error().message + "; " + change.error().fix;
    return {};
  }
  difference.ddl = {change->ddl};
  difference.mending = Mending::safe;
  if (change->condition.empty()) return {};
  ask({RowTest::View::found, std::move(change->condition), value_text(difference.column)},
      refused_where_any(index, "the value of {} would not survive; mend it first"));
  return {};
}

void RowCheck::check_not_null(size_t index) {
  ask({RowTest::View::found,
       "weir_t." + quote_identifier(drift_.differences[index].column) + " IS NULL", row_text()},
      refused_where_any(index, "{} without a value; give it one first"));
}

/// NOT NULL for a new column is only possible while there is no row.
Result<void> RowCheck::check_missing(Difference& difference) {
  if (!difference.wanted.ends_with(" NOT NULL")) return {};
  difference.rows = WEIR_TRY(rows_.count());
  if (difference.rows > 0) {
    difference.message += fmt::format("; the {} there will have NULL in it, so NOT NULL waits",
                                      counted(difference.rows, "row"));
    return {};
  }
  constexpr std::string_view required = " NOT NULL";
  FoundColumn added{.name = difference.column, .type = {}};
  added.restated = difference.wanted.substr(0, difference.wanted.size() - required.size());
  difference.ddl.push_back(catalog_.set_not_null(table_, added));
  return {};
}

Result<void> RowCheck::check_structure() {
  for (size_t i = 0; i < drift_.differences.size(); ++i) {
    Difference& found = drift_.differences[i];
    if (found.mending == Mending::done) continue;
    if (found.kind == DriftKind::missing_column) WEIR_TRY(check_missing(found));
    if (found.mending != Mending::unchecked) continue;
    if (found.kind == DriftKind::type) WEIR_TRY(check_type(i));
    if (found.kind == DriftKind::not_null) check_not_null(i);
  }
  return {};
}

Difference RowCheck::broken(const std::string& column, const std::string& rule,
                            const Location& location) const {
  Difference made;
  made.kind = DriftKind::rows;
  made.effect = DriftEffect::loads_go_on;
  made.column = column;
  made.wanted = rule;
  made.location = location;
  made.fix = "mend or remove them with SQL: weir changes no data";
  return made;
}

/// `rule`: unique; none: the table's key.
Result<void> RowCheck::find_repeated(const std::vector<std::string>& columns, const Rule* rule) {
  const RowCount count = WEIR_TRY(rows_.repeated(columns));
  if (count.rows == 0) return {};
  repeated_.push_back(columns);
  Difference repeated = broken(columns.front(), rule == nullptr ? "key" : rule->text,
                               rule == nullptr ? table_.location : rule->location);
  repeated.rows = count.rows;
  repeated.example = count.example;
  repeated.message =
      fmt::format("{} of table '{}' share {} with another row", counted(repeated.rows, "row"),
                  table_.name.value(), rule == nullptr ? "their key" : "'" + columns.front() + "'");
  drift_.differences.push_back(std::move(repeated));
  return {};
}

Result<bool> RowCheck::is_there(const Table& table) {
  const TableDrift other = WEIR_TRY(compare_structure(catalog_, table));
  return std::ranges::none_of(other.differences, [](const Difference& found) {
    const bool other_type =
        found.kind == DriftKind::type && found.effect == DriftEffect::stops_loads;
    return other_type || found.kind == DriftKind::missing_table ||
           found.kind == DriftKind::not_a_table || found.kind == DriftKind::missing_column;
  });
}

Result<void> RowCheck::find_orphans(const Column& column, const Rule& rule) {
  const Table* parent = project_.find_table(TableName(rule.argument));
  if (parent == nullptr || parent->database != table_.database) return {};
  const std::string referenced =
      !rule.column.empty() ? rule.column : (parent->key.size() == 1 ? parent->key.front() : "");
  // A parent that is not there, or otherwise, is told for itself.
  if (referenced.empty() || !WEIR_TRY(is_there(*parent))) return {};
  told_where_any(broken(column.name, rule.text, rule.location))(
      WEIR_TRY(rows_.orphans(column.name, *parent, referenced, value_text(column.name))));
  return {};
}

/// Values that only the database's type holds.
void RowCheck::find_misfits() {
  for (const Column& column : table_.columns) {
    if (!sound(column.name)) continue;
    auto condition = rows_.misfit(column);
    if (!condition) continue;
    ask({RowTest::View::found, *std::move(condition), value_text(column.name)},
        told_where_any(broken(column.name, column.type.to_string(), column.location)));
  }
}

void RowCheck::find_rule_breakers() {
  const auto add = [&](const Column& column, const std::string& rule, const Location& location,
                       std::string condition) {
    ask({RowTest::View::wanted, std::move(condition), value_text(column.name)},
        told_where_any(broken(column.name, rule, location)));
  };
  for (const Column& column : table_.columns) {
    if (column.type.kind == TypeKind::varchar && column.type.length > 0) {
      add(column, column.type.to_string(), column.location,
          fmt::format("coalesce(length(weir_t.{}) > {}, FALSE)", quote_identifier(column.name),
                      column.type.length));
    }
    for (const Rule& rule : column.rules) {
      if (rule.predicate.empty()) continue;
      const std::string good = "coalesce((" + rule.predicate + "\n), TRUE)";
      const std::string tried = "coalesce(TRY({'v': " + good + "}).v, FALSE)";
      // As in a load: a row on which the rule fails breaks it. Not every rule fits into a TRY.
      add(column, rule.text, rule.location, "NOT " + (rows_.can_compute(tried) ? tried : good));
    }
  }
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names;
}

bool is_unique(const Rule& rule) { return rule.kind == RuleKind::unique; }

/// Whether the dictionary asks for it, too, so that weir never breaks it.
bool RowCheck::knows(const server::TableGuard& guard) const {
  using Kind = server::TableGuard::Kind;
  if (guard.columns.empty()) return false;
  const auto columns = sorted(guard.columns);
  const auto has_rule = [&](const auto& matches) {
    return std::ranges::any_of(table_.columns, [&](const Column& column) {
      return guard.columns.size() == 1 && column.name == guard.columns.front() &&
             std::ranges::any_of(column.rules, matches);
    });
  };
  switch (guard.kind) {
    case Kind::primary_key:
    case Kind::unique: return columns == sorted(table_.key) || has_rule(is_unique);
    case Kind::foreign_key:
      return has_rule([&](const Rule& rule) {
        if (rule.kind != RuleKind::references || rule.argument != guard.parent) return false;
        const Table* parent = project_.find_table(TableName(rule.argument));
        const auto asked = rule.column.empty() && parent != nullptr
                               ? parent->key
                               : std::vector<std::string>{rule.column};
        return asked == guard.parent_columns;
      });
    default: return false;
  }
}

/// The database's own: weir looks at none of it, and what breaks it the database refuses.
void RowCheck::add_guard(const server::TableGuard& guard) {
  Difference own;
  own.kind = DriftKind::constraint;
  own.effect = DriftEffect::none;
  own.found = guard.definition;
  own.location = table_.location;
  const bool by_row = catalog_.refuses_row_by_row();
  const bool trigger = guard.kind == server::TableGuard::Kind::trigger;
  own.message =
      trigger
          ? fmt::format(
                "table '{}' in the database has the trigger '{}'; what it changes is not "
                "in the receipts",
                table_.name.value(), guard.name)
          : fmt::format("table '{}' in the database has the constraint {}; a {} that breaks it {}",
                        table_.name.value(), own.found, by_row ? "row" : "load",
                        by_row ? "is rejected" : "fails as a whole");
  drift_.differences.push_back(std::move(own));
}

/// Others that write there could break what the dictionary says.
void RowCheck::add_missing_guard(std::string_view kind, const std::vector<std::string>& columns,
                                 const Location& location) {
  Difference missing;
  missing.kind = DriftKind::constraint;
  missing.effect = DriftEffect::loads_go_on;
  missing.column = columns.size() == 1 ? columns.front() : "";
  missing.wanted = fmt::format("{} ({})", kind, fmt::join(columns, ", "));
  missing.message =
      fmt::format("table '{}' in the database has no {}", table_.name.value(), missing.wanted);
  missing.ddl = {catalog_.add_key(table_, kind, columns)};
  missing.location = location;
  const auto in_the_way = [&](const Difference& found) {
    const bool concerned = std::ranges::find(columns, found.column) != columns.end();
    return concerned && found.mending != Mending::done &&
           (found.kind == DriftKind::not_null || found.kind == DriftKind::type ||
            found.kind == DriftKind::missing_column);
  };
  if (std::ranges::find(repeated_, columns) != repeated_.end()) {
    missing.mending = Mending::refused;
    missing.fix = "rows share these values; mend or remove them with SQL";
  } else if (std::ranges::any_of(drift_.differences, in_the_way)) {
    missing.mending = Mending::refused;
    missing.fix = "mend the columns first";
  } else {
    missing.mending = Mending::safe;
  }
  drift_.differences.push_back(std::move(missing));
}

Result<void> RowCheck::find_guards() {
  const auto guards = WEIR_TRY(catalog_.guards(table_));
  for (const server::TableGuard& guard : guards) {
    if (!catalog_.keeps_keys() || !knows(guard)) add_guard(guard);
  }
  if (!catalog_.keeps_keys()) return {};
  const auto kept = [&](const std::vector<std::string>& columns) {
    return std::ranges::any_of(guards, [&](const server::TableGuard& guard) {
      using Kind = server::TableGuard::Kind;
      return (guard.kind == Kind::primary_key || guard.kind == Kind::unique) &&
             sorted(guard.columns) == sorted(columns);
    });
  };
  const bool has_primary = std::ranges::any_of(guards, [](const server::TableGuard& guard) {
    return guard.kind == server::TableGuard::Kind::primary_key;
  });
  if (!table_.key.empty() && !kept(table_.key)) {
    add_missing_guard(has_primary ? "UNIQUE" : "PRIMARY KEY", table_.key, table_.location);
  }
  for (const Column& column : table_.columns) {
    const auto rule = std::ranges::find_if(column.rules, is_unique);
    if (rule != column.rules.end() && !kept({column.name})) {
      add_missing_guard("UNIQUE", {column.name}, rule->location);
    }
  }
  return {};
}

Result<void> RowCheck::run() {
  for (const Difference& found : drift_.differences) {
    if (found.kind == DriftKind::missing_table || found.kind == DriftKind::not_a_table) return {};
  }
  WEIR_TRY(check_structure());
  if (key_sound()) WEIR_TRY(find_repeated(table_.key, nullptr));
  for (const Column& column : table_.columns) {
    if (!sound(column.name)) continue;
    for (const Rule& rule : column.rules) {
      if (rule.kind == RuleKind::unique) WEIR_TRY(find_repeated({column.name}, &rule));
      if (rule.kind == RuleKind::references) WEIR_TRY(find_orphans(column, rule));
    }
  }
  find_misfits();
  if (all_sound()) find_rule_breakers();
  WEIR_TRY(ask_all());
  return find_guards();
}

}  // namespace

Result<void> check_rows(const Project& project, TableCatalog& catalog, TableRows& rows,
                        TableDrift& drift) {
  return RowCheck(project, catalog, rows, drift).run();
}

}  // namespace weir::pipeline
