#include "pipeline/drift_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "pipeline/conversion.h"
#include "pipeline/table_load.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

/// A condition on one row, and how to show a row that meets it.
struct RowTest {
  std::string condition;  ///< SQL, BOOLEAN
  std::string example;    ///< SQL, VARCHAR
  Difference difference;  ///< filled with what is found, and told when anything is
};

std::string counted(uint64_t rows, std::string_view noun) {
  return fmt::format("{} {}{}", rows, noun, rows == 1 ? "" : "s");
}

/// Checks one table.
class RowCheck {
 public:
  RowCheck(const Project& project, duckdb::Database& database, duckdb::Connection& connection,
           TableDrift& drift)
      : project_(project),
        database_(database),
        connection_(connection),
        table_(*drift.table),
        drift_(drift),
        target_(target_name(table_)) {}

  Result<void> run();

 private:
  bool sound(const std::string& column) const;
  bool all_sound() const;
  std::string row_text() const;
  std::string value_text(const std::string& column) const;

  Result<void> check_type(Difference& difference);
  Result<void> check_not_null(Difference& difference);
  Result<void> check_missing(Difference& difference);
  Result<void> find_constraints();
  Result<void> find_repeated(const std::vector<std::string>& columns, const Rule* rule);
  Result<void> find_orphans(const Column& column, const Rule& rule);
  Result<void> find_rule_breakers();

  Result<void> test_rows(std::vector<RowTest> tests);
  Result<std::string> example_of(const std::string& condition, const std::string& text);
  Result<void> refuse_where(const std::string& condition, const std::string& example,
                            Difference& difference, const std::string& reason);
  Difference broken(const std::string& column, const std::string& rule,
                    const Location& location) const;
  Result<bool> is_there(const Table& table);

  const Project& project_;
  duckdb::Database& database_;
  duckdb::Connection& connection_;
  const Table& table_;
  TableDrift& drift_;
  const std::string target_;
};

/// Whether the database has the column as the dictionary says, so that SQL may speak of it.
bool RowCheck::sound(const std::string& column) const {
  return std::none_of(
      drift_.differences.begin(), drift_.differences.end(), [&](const Difference& found) {
        return found.mending != Mending::done && found.column == column &&
               (found.kind == DriftKind::missing_column || found.kind == DriftKind::type);
      });
}

bool RowCheck::all_sound() const {
  return std::all_of(table_.columns.begin(), table_.columns.end(),
                     [&](const Column& column) { return sound(column.name); });
}

/// A row as people find it again: its key, else all of it.
std::string RowCheck::row_text() const {
  const bool by_key =
      !table_.key.empty() && std::all_of(table_.key.begin(), table_.key.end(),
                                         [&](const std::string& name) { return sound(name); });
  if (!by_key) return "left(CAST(to_json(weir_t) AS VARCHAR), 200)";
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

/// Counts in one reading of the table.
Result<void> RowCheck::test_rows(std::vector<RowTest> tests) {
  if (tests.empty()) return {};
  std::string flags, counts;
  for (size_t i = 0; i < tests.size(); ++i) {
    flags += fmt::format("{}({}\n) AS b{}", i == 0 ? "" : ", ", tests[i].condition, i);
    counts += fmt::format("{}count(*) FILTER (WHERE b{})", i == 0 ? "" : ", ", i);
  }
  const auto rows = WEIR_TRY(connection_.run(
      fmt::format("SELECT {} FROM (SELECT {} FROM {} weir_t)", counts, flags, target_)));
  for (size_t i = 0; i < tests.size(); ++i) {
    Difference& found = tests[i].difference;
    found.rows = static_cast<uint64_t>(rows.int64(0, i));
    if (found.rows == 0) continue;
    found.example = WEIR_TRY(example_of(tests[i].condition, tests[i].example));
    found.message = fmt::format("'{}' of column '{}' is broken by {} of table '{}'", found.wanted,
                                found.column, counted(found.rows, "row"), table_.name.value());
    drift_.differences.push_back(std::move(found));
  }
  return {};
}

/// Of the first row that meets the condition.
Result<std::string> RowCheck::example_of(const std::string& condition, const std::string& text) {
  const auto rows = WEIR_TRY(
      connection_.run(fmt::format("SELECT {} FROM {} weir_t WHERE {} ORDER BY weir_t.rowid LIMIT 1",
                                  text, target_, condition)));
  return rows.size() == 0 ? "" : rows.text(0, 0);
}

/// The difference becomes safe, or refused when rows meet the condition.
Result<void> RowCheck::refuse_where(const std::string& condition, const std::string& example,
                                    Difference& difference, const std::string& reason) {
  const auto rows = WEIR_TRY(
      connection_.run(fmt::format("SELECT count(*) FROM {} weir_t WHERE {}", target_, condition)));
  difference.rows = static_cast<uint64_t>(rows.int64(0, 0));
  difference.mending = difference.rows == 0 ? Mending::safe : Mending::refused;
  if (difference.rows == 0) return {};
  difference.example = WEIR_TRY(example_of(condition, example));
  difference.fix = fmt::format(fmt::runtime(reason), counted(difference.rows, "row"));
  return {};
}

/// A value survives when weir's own conversion takes it, as in a load, and the ALTER gives the
/// same.
Result<void> RowCheck::check_type(Difference& difference) {
  const std::string name = "weir_t." + quote_identifier(difference.column);
  const std::string bare = quote_identifier(difference.column);
  const Column* column = table_.find_column(difference.column);
  const DataType wanted =
      column != nullptr ? column->type : WEIR_TRY(parse_data_type(difference.wanted));
  const bool from_json = difference.found == "JSON";
  if (from_json && wanted.kind == TypeKind::varchar) {  // its text, as it stands
    difference.mending = Mending::safe;
    return {};
  }
  const auto conversion = convert(database_, name, difference.found, wanted);
  if (!conversion) {
    difference.mending = Mending::by_hand;
    difference.ddl.clear();
    difference.fix = conversion.error().message + "; " + conversion.error().fix;
    return {};
  }
  std::string source = from_json ? "({} ->> '$')" : "{}";
  if (wanted.kind == TypeKind::json && difference.found != "VARCHAR") source = "to_json({})";
  if (source != "{}") {
    difference.ddl.front() += fmt::format(
        " USING CAST({} AS {})", fmt::format(fmt::runtime(source), bare), difference.wanted);
  }
  if (!conversion->can_fail) {
    difference.mending = Mending::safe;
    return {};
  }
  const std::string altered =
      fmt::format("TRY_CAST({} AS {})", fmt::format(fmt::runtime(source), name), difference.wanted);
  return refuse_where(fmt::format("{0} IS NOT NULL AND ({1} IS NULL OR {1} IS DISTINCT FROM {2})",
                                  name, conversion->sql, altered),
                      value_text(difference.column), difference,
                      "the value of {} would not survive; mend it first");
}

Result<void> RowCheck::check_not_null(Difference& difference) {
  return refuse_where("weir_t." + quote_identifier(difference.column) + " IS NULL", row_text(),
                      difference, "{} without a value; give it one first");
}

/// NOT NULL for a new column is only possible while there is no row.
Result<void> RowCheck::check_missing(Difference& difference) {
  if (!difference.wanted.ends_with(" NOT NULL")) return {};
  const auto rows = WEIR_TRY(connection_.run("SELECT count(*) FROM " + target_));
  difference.rows = static_cast<uint64_t>(rows.int64(0, 0));
  if (difference.rows > 0) {
    difference.message += fmt::format("; the {} there will have NULL in it, so NOT NULL waits",
                                      counted(difference.rows, "row"));
    return {};
  }
  difference.ddl.push_back(fmt::format("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", target_,
                                       quote_identifier(difference.column)));
  return {};
}

/// The database's own constraints: weir needs none, and a load that breaks one fails as a whole.
Result<void> RowCheck::find_constraints() {
  const duckdb::Parameter names[] = {table_.schema.empty() ? "main" : table_.schema,
                                     table_.name.value()};
  const auto rows = WEIR_TRY(connection_.run(
      "SELECT constraint_text FROM duckdb_constraints() WHERE database_name = current_database() "
      "AND lower(schema_name) = lower($1) AND lower(table_name) = lower($2) AND "
      "constraint_type <> 'NOT NULL' ORDER BY constraint_index",
      names));
  for (size_t i = 0; i < rows.size(); ++i) {
    Difference own;
    own.kind = DriftKind::constraint;
    own.effect = DriftEffect::none;
    own.found = rows.text(i, 0);
    own.message = fmt::format(
        "table '{}' in the database has the constraint {}; a load that breaks it fails as a whole",
        table_.name.value(), own.found);
    own.location = table_.location;
    drift_.differences.push_back(std::move(own));
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
  std::string names, text, present;
  for (const std::string& name : columns) {
    const std::string quoted = quote_identifier(name);
    names += (names.empty() ? "" : ", ") + quoted;
    text += fmt::format("{}CAST({} AS VARCHAR)", text.empty() ? "" : ", ", quoted);
    present += fmt::format("{}{} IS NOT NULL", present.empty() ? "" : " AND ", quoted);
  }
  const auto rows = WEIR_TRY(connection_.run(
      fmt::format("SELECT CAST(coalesce(sum(n), 0) AS BIGINT), min(e) FROM (SELECT count(*) AS n, "
                  "left(concat_ws(', ', {1}), 200) AS e FROM {2} WHERE {3} GROUP BY {0} HAVING "
                  "count(*) > 1)",
                  names, text, target_, present)));
  if (rows.int64(0, 0) == 0) return {};
  Difference repeated = broken(columns.front(), rule == nullptr ? "key" : rule->text,
                               rule == nullptr ? table_.location : rule->location);
  repeated.rows = static_cast<uint64_t>(rows.int64(0, 0));
  repeated.example = rows.text(0, 1);
  repeated.message =
      fmt::format("{} of table '{}' share {} with another row", counted(repeated.rows, "row"),
                  table_.name.value(), rule == nullptr ? "their key" : "'" + columns.front() + "'");
  drift_.differences.push_back(std::move(repeated));
  return {};
}

Result<bool> RowCheck::is_there(const Table& table) {
  const TableDrift other = WEIR_TRY(compare_structure(connection_, table));
  return std::none_of(
      other.differences.begin(), other.differences.end(), [](const Difference& found) {
        return found.kind == DriftKind::missing_table || found.kind == DriftKind::not_a_table ||
               found.kind == DriftKind::missing_column || found.kind == DriftKind::type;
      });
}

Result<void> RowCheck::find_orphans(const Column& column, const Rule& rule) {
  const Table* parent = project_.find_table(TableName(rule.argument));
  if (parent == nullptr || parent->database != table_.database) return {};
  const std::string referenced =
      !rule.column.empty() ? rule.column : (parent->key.size() == 1 ? parent->key.front() : "");
  // A parent that is not there, or otherwise, is told for itself.
  if (referenced.empty() || !WEIR_TRY(is_there(*parent))) return {};
  RowTest test;
  test.condition = fmt::format(
      "weir_t.{0} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {1} p WHERE p.{2} = weir_t.{0})",
      quote_identifier(column.name), target_name(*parent), quote_identifier(referenced));
  test.example = value_text(column.name);
  test.difference = broken(column.name, rule.text, rule.location);
  std::vector<RowTest> tests;
  tests.push_back(std::move(test));
  return test_rows(std::move(tests));
}

Result<void> RowCheck::find_rule_breakers() {
  std::vector<RowTest> tests;
  const auto add = [&](const Column& column, const std::string& rule, const Location& location,
                       std::string condition) {
    tests.push_back(
        {std::move(condition), value_text(column.name), broken(column.name, rule, location)});
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
      const bool fits =
          connection_.describe(fmt::format("SELECT {} FROM {} weir_t", tried, target_)).has_value();
      add(column, rule.text, rule.location, "NOT " + (fits ? tried : good));
    }
  }
  return test_rows(std::move(tests));
}

Result<void> RowCheck::run() {
  for (const Difference& found : drift_.differences) {
    if (found.kind == DriftKind::missing_table || found.kind == DriftKind::not_a_table) return {};
  }
  for (Difference& found : drift_.differences) {
    if (found.mending == Mending::done) continue;
    if (found.kind == DriftKind::type) WEIR_TRY(check_type(found));
    if (found.kind == DriftKind::not_null && found.mending == Mending::unchecked) {
      WEIR_TRY(check_not_null(found));
    }
    if (found.kind == DriftKind::missing_column) WEIR_TRY(check_missing(found));
  }
  const bool key_sound = std::all_of(table_.key.begin(), table_.key.end(),
                                     [&](const std::string& name) { return sound(name); });
  if (!table_.key.empty() && key_sound) WEIR_TRY(find_repeated(table_.key, nullptr));
  for (const Column& column : table_.columns) {
    if (!sound(column.name)) continue;
    for (const Rule& rule : column.rules) {
      if (rule.kind == RuleKind::unique) WEIR_TRY(find_repeated({column.name}, &rule));
      if (rule.kind == RuleKind::references) WEIR_TRY(find_orphans(column, rule));
    }
  }
  if (all_sound()) WEIR_TRY(find_rule_breakers());
  return find_constraints();
}

/// Runs the DDL of what is safe; each such difference is then done. How many there were.
Result<size_t> mend(duckdb::Connection& connection, TableDrift& drift) {
  size_t mended = 0;
  for (Difference& found : drift.differences) {
    if (found.mending != Mending::safe) continue;
    for (const std::string& ddl : found.ddl) {
      const auto done = connection.run(ddl);
      if (!done) {
        Error error = done.error();
        error.message = ddl + ": " + error.message;
        error.fix = "nothing was altered";
        return fail(std::move(error));
      }
    }
    found.mending = Mending::done;
    ++mended;
  }
  return mended;
}

/// What was done, then what is there now. A new column can be made NOT NULL only once it is there,
/// and rules are judged once all columns are: so it is looked at again until nothing is left to do.
Result<TableDrift> mend_table(const Project& project, duckdb::Database& database,
                              duckdb::Connection& connection, const Table& table) {
  TableDrift all;
  all.table = &table;
  for (;;) {
    TableDrift drift = WEIR_TRY(compare_structure(connection, table));
    WEIR_TRY(check_rows(project, database, connection, drift));
    if (WEIR_TRY(mend(connection, drift)) == 0) {
      std::move(drift.differences.begin(), drift.differences.end(),
                std::back_inserter(all.differences));
      return all;
    }
    std::copy_if(drift.differences.begin(), drift.differences.end(),
                 std::back_inserter(all.differences),
                 [](const Difference& found) { return found.mending == Mending::done; });
  }
}

}  // namespace

Result<void> check_rows(const Project& project, duckdb::Database& database,
                        duckdb::Connection& connection, TableDrift& drift) {
  return RowCheck(project, database, connection, drift).run();
}

Result<std::vector<TableDrift>> find_drift(const Project& project, Resources& resources,
                                           const std::optional<TableName>& only, Apply apply) {
  if (only && project.find_table(*only) == nullptr) {
    return fail(ErrorCode::not_found, "there is no table '" + only->value() + "'");
  }
  std::map<TableName, TableDrift> found;
  for (const DatabaseName& name : resources.databases->names()) {
    const bool concerned = std::ranges::any_of(project.tables, [&](const Table& table) {
      return table.database == name && (!only || table.name == *only);
    });
    if (!concerned) continue;
    const auto database = WEIR_TRY(resources.databases->open(name));
    for (const Table& table : project.tables) {
      if (table.database == name) WEIR_TRY(prepare_conversions(*database, table));
    }
    std::vector<TableName> altered;
    for (const Table& table : project.tables) {
      const bool asked = table.database == name && (!only || table.name == *only);
      if (asked && apply == Apply::yes) altered.push_back(table.name);
    }
    const auto locks = resources.table_locks->take(std::move(altered), TableLocks::Use::alone);
    const auto connection = WEIR_TRY(database->connect());
    auto transaction = WEIR_TRY(duckdb::Transaction::begin(*connection));
    for (const Table& table : project.tables) {
      if (table.database != name || (only && table.name != *only)) continue;
      if (apply == Apply::yes) {
        found[table.name] = WEIR_TRY(mend_table(project, *database, *connection, table));
        continue;
      }
      TableDrift& drift = found[table.name] = WEIR_TRY(compare_structure(*connection, table));
      WEIR_TRY(check_rows(project, *database, *connection, drift));
    }
    if (apply == Apply::yes) WEIR_TRY(transaction.commit());
  }
  std::vector<TableDrift> drifts;
  for (const Table& table : project.tables) {
    if (const auto at = found.find(table.name); at != found.end()) {
      drifts.push_back(std::move(at->second));
    }
  }
  return drifts;
}

}  // namespace weir::pipeline
