#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "config/resolve.h"

namespace weir::config {
namespace {

constexpr std::array<std::string_view, 3> ledger_tables = {"weir_loads", "weir_rejects",
                                                           "weir_requests"};

std::string column_of(const Column& column, const Table& table) {
  return "column '" + column.name + "' of table '" + table.name.value() + "'";
}

Column resolve_column(const Named<ColumnEntry>& entry, const Table& table,
                      const Resolving& resolving) {
  Column column;
  column.name = entry.name;
  column.type = entry.value.type.value;
  column.location = entry.location;
  for (const RuleEntry& written : entry.value.rules) {
    Result<Rule> rule = compile_rule(written, column.name, column.type);
    if (!rule) {
      resolving.reader.error(rule.error().location,
                             rule.error().message + " (" + column_of(column, table) + ")",
                             rule.error().fix);
      continue;
    }
    const auto same = [&](const Rule& each) {
      return each.kind == rule->kind && each.text == rule->text;
    };
    if (std::any_of(column.rules.begin(), column.rules.end(), same)) {
      resolving.reader.warning(
          rule->location,
          "the rule '" + rule->text + "' of " + column_of(column, table) + " is there twice",
          "remove one");
      continue;
    }
    column.rules.push_back(*std::move(rule));
  }
  return column;
}

void resolve_columns(const Named<TableEntry>& entry, Table& table, const Resolving& resolving) {
  std::map<std::string, std::string> seen;
  for (const Named<ColumnEntry>& written : entry.value.columns) {
    const auto [first, added] = seen.emplace(folded(written.name), written.name);
    if (!added) {
      resolving.reader.error(written.location,
                             "column '" + written.name + "' of table '" + entry.name +
                                 "' differs from '" + first->second + "' in case only",
                             "databases see one name: rename one of them");
      continue;
    }
    if (written.sound) table.columns.push_back(resolve_column(written, table, resolving));
  }
  if (entry.value.columns.empty() && entry.sound) {
    resolving.reader.error(entry.location, "table '" + entry.name + "' has no columns",
                           "add e.g. columns: {id: bigint | key}");
  }
}

/// The names under `key:`, those that are columns, once each.
std::vector<std::string> listed_key(const Named<TableEntry>& entry, const Resolving& resolving) {
  std::vector<std::string> key;
  for (const Located<std::string>& name : entry.value.key) {
    if (find_entry(entry.value.columns, name.value) == nullptr) {
      resolving.reader.error(
          name.location,
          "unknown column '" + name.value + "' in the key of table '" + entry.name + "'",
          suggestion(name.value, names_of(entry.value.columns)));
    } else if (std::find(key.begin(), key.end(), name.value) != key.end()) {
      resolving.reader.error(
          name.location,
          "column '" + name.value + "' is twice in the key of table '" + entry.name + "'",
          "remove one");
    } else {
      key.push_back(name.value);
    }
  }
  return key;
}

/// `key:` and the rule `key` say the same: Table::key and the columns' rules hold both.
void resolve_key(const Named<TableEntry>& entry, Table& table, const Resolving& resolving) {
  std::vector<std::string> ruled;
  for (const Column& column : table.columns) {
    if (column.is_key()) ruled.push_back(column.name);
  }
  table.key = listed_key(entry, resolving);
  if (table.key.empty()) {
    table.key = ruled;
  } else if (entry.sound && !ruled.empty() &&
             std::set(ruled.begin(), ruled.end()) != std::set(table.key.begin(), table.key.end())) {
    resolving.reader.error(entry.value.key.front().location,
                           "the key of table '" + entry.name +
                               "' is given twice and differently: here and by the rule 'key'",
                           "keep one of the two");
  }
  for (Column& column : table.columns) {
    const auto at = std::find(table.key.begin(), table.key.end(), column.name);
    if (at == table.key.end()) continue;
    if (column.type.kind == TypeKind::json || column.type.kind == TypeKind::list) {
      resolving.reader.error(column.location,
                             "a column of type " + column.type.to_string() +
                                 " cannot be part of the key of table '" + entry.name + "'",
                             "take a column whose values can be compared");
    }
    if (column.is_key()) continue;
    const auto& listed = entry.value.key;
    const auto written =
        std::find_if(listed.begin(), listed.end(),
                     [&](const Located<std::string>& name) { return name.value == column.name; });
    column.rules.push_back({RuleKind::key, "key", "", "", "", written->location});
  }
}

void check_place(const Named<TableEntry>& entry, const Resolving& resolving) {
  const std::string& in = entry.value.in.value;
  if (entry.value.in.given() && find_entry(resolving.entry.databases, in) == nullptr) {
    const std::vector<std::string> known = names_of(resolving.entry.databases);
    resolving.reader.error(
        entry.value.in.location, "unknown database '" + in + "' in table '" + entry.name + "'",
        known.empty() ? "declare it: databases: {" + in + ": duckdb://" + in + ".duckdb}"
                      : suggestion(in, known));
  }
  const std::string name = folded(entry.name);
  if (std::find(ledger_tables.begin(), ledger_tables.end(), name) != ledger_tables.end()) {
    resolving.reader.error(entry.location, "'" + entry.name + "' is a table of weir's own ledger",
                           "choose another name");
  }
}

void resolve_table(const Named<TableEntry>& entry, Resolving& resolving) {
  const size_t errors = resolving.reader.errors();
  Table table;
  table.name = TableName(entry.name);
  table.database = DatabaseName(entry.value.in.value);
  table.schema = entry.value.schema.value;
  table.on_bad_row = entry.value.on_bad_row.value;
  if (const auto& rejected = entry.value.stop_at.rejected) {
    table.stop_at.rejected = uint64_t(rejected->value);
  }
  if (const auto& ratio = entry.value.stop_at.ratio) table.stop_at.ratio = ratio->value;
  table.lineage = entry.value.lineage.value;
  table.location = entry.location;
  check_place(entry, resolving);
  resolve_columns(entry, table, resolving);
  resolve_key(entry, table, resolving);
  if (entry.sound && resolving.reader.errors() == errors) {
    resolving.project.tables.push_back(std::move(table));
  }
}

/// Names that differ in case only are one table to the database.
void check_same_table(const Resolving& resolving) {
  std::map<std::array<std::string, 3>, std::string> tables;
  for (const Named<TableEntry>& entry : resolving.entry.tables) {
    const std::array<std::string, 3> place = {entry.value.in.value,
                                              folded(entry.value.schema.value), folded(entry.name)};
    const auto [first, added] = tables.emplace(place, entry.name);
    if (added) continue;
    resolving.reader.error(
        entry.location,
        "table '" + entry.name + "' differs from '" + first->second + "' in case only",
        "databases see one name: rename one of them");
  }
}

}  // namespace

void resolve_tables(Resolving& resolving) {
  for (const Named<TableEntry>& entry : resolving.entry.tables) resolve_table(entry, resolving);
  check_same_table(resolving);
  check_references(resolving);
}

}  // namespace weir::config
