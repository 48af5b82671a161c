#include "pipeline/duckdb_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/conversion.h"
#include "pipeline/set_rules.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {

using duckdb::quote_identifier;

DuckdbRows::DuckdbRows(duckdb::Database& database, duckdb::Connection& connection,
                       const Table& table)
    : database_(database), connection_(connection), target_(target_name(table)) {}

Result<uint64_t> DuckdbRows::count() {
  const auto rows = WEIR_TRY(connection_.run("SELECT count(*) FROM " + target_));
  return static_cast<uint64_t>(rows.int64(0, 0));
}

Result<std::vector<RowCount>> DuckdbRows::test(std::span<const RowTest> tests) {
  std::vector<RowCount> counts(tests.size());
  WEIR_TRY(count_rows(connection_, target_, "ORDER BY weir_t.rowid", tests, counts));
  return counts;
}

Result<RowCount> DuckdbRows::repeated(const std::vector<std::string>& columns) {
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
  return RowCount{static_cast<uint64_t>(rows.int64(0, 0)), rows.text(0, 1)};
}

Result<RowCount> DuckdbRows::orphans(const std::string& column, const Table& parent,
                                     const std::string& parent_column, const std::string& example) {
  const RowTest without_parent{
      RowTest::View::found,
      fmt::format(
          "weir_t.{0} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {1} p WHERE p.{2} = weir_t.{0})",
          quote_identifier(column), target_name(parent), quote_identifier(parent_column)),
      example};
  return WEIR_TRY(test({&without_parent, 1})).front();
}

bool DuckdbRows::can_compute(const std::string& expression) {
  return connection_.describe(fmt::format("SELECT {} FROM {} weir_t", expression, target_))
      .has_value();
}

/// A value survives when weir's own conversion takes it, as in a load, and the ALTER gives the
/// same.
Result<TypeChange> DuckdbRows::change_type(const std::string& column, const DataType& wanted,
                                           const std::string& type) {
  const std::string name = "weir_t." + quote_identifier(column);
  TypeChange change{"", fmt::format("ALTER TABLE {} ALTER COLUMN {} SET DATA TYPE {}", target_,
                                    quote_identifier(column), type)};
  const auto described = WEIR_TRY(
      connection_.describe(fmt::format("SELECT {} FROM {}", quote_identifier(column), target_)));
  const std::string& from = described.front().type;
  const bool from_json = from == "JSON";
  if (from_json && wanted.kind == TypeKind::varchar) return change;  // its text, as it stands
  const Conversion conversion = WEIR_TRY(convert(database_, name, from, wanted));
  std::string source = from_json ? "({} ->> '$')" : "{}";
  if (wanted.kind == TypeKind::json && from != "VARCHAR") source = "to_json({})";
  if (source != "{}") {
    change.ddl += fmt::format(" USING CAST({} AS {})",
                              fmt::format(fmt::runtime(source), quote_identifier(column)), type);
  }
  if (!conversion.can_fail) return change;
  const std::string altered =
      fmt::format("TRY_CAST({} AS {})", fmt::format(fmt::runtime(source), name), type);
  change.condition = fmt::format("{0} IS NOT NULL AND ({1} IS NULL OR {1} IS DISTINCT FROM {2})",
                                 name, conversion.sql, altered);
  return change;
}

}  // namespace weir::pipeline
