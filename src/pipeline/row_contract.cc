// RowCompiler's last part: what a table's dictionary asks of a row.
#include <fmt/format.h>

#include <algorithm>

#include "pipeline/conversion.h"
#include "pipeline/row_compiler.h"
#include "pipeline/server_dialect.h"

namespace weir::pipeline {

using duckdb::quote_identifier;

/// What cannot be made is a problem when problems are gathered, and then NULL.
Result<Conversion> RowCompiler::conversion(const Column& column, Result<Conversion> made) {
  if (made) return made;
  Error error = made.error();
  error.message = "column '" + column.name + "': " + error.message;
  if (problems_ == nullptr) return fail(std::move(error));
  problems_->push_back({nullptr, column.name, std::move(error), 0});
  return Conversion{"NULL", false};
}

/// From the column that reaches the contract.
Result<void> RowCompiler::make_given(const Column& column, size_t index, Made& made) {
  const std::string name = quote_identifier(column.name);
  const std::string type = column.type.to_string();
  const Conversion value =
      WEIR_TRY(conversion(column, convert(database_, name, find(column.name)->type, column.type)));
  made.sql = value.sql;
  if (value.can_fail) {
    made.helpers += fmt::format(", {} AS weir_x{}", name, index);
    const int rule = add_rule(column.name, type, "'{}' does not fit " + type);
    made.cases +=
        fmt::format(" WHEN {} IS NULL AND weir_x{} IS NOT NULL THEN {}", name, index,
                    reject(rule, fmt::format("left(CAST(weir_x{} AS VARCHAR), 200)", index)));
  }
  return {};
}

/// `flag` is SQL that says when the default stands in; empty: always.
Result<void> RowCompiler::make_default(const Column& column, size_t index, const std::string& flag,
                                       Made& made) {
  const DefaultValue& value = *defaults_[index];
  const std::string name = quote_identifier(column.name);
  const std::string when = flag.empty() ? "" : flag + " AND ";
  const std::string& text = default_rule(column)->text;
  const int fails = add_rule(column.name, text, "the rule '" + text + "' fails");
  made.helpers += fmt::format(", weir_d{}", index);
  made.cases += fmt::format(" WHEN {}weir_d{} IS NULL THEN {}", when, index, reject(fails, "NULL"));
  if (value.conversion.can_fail) {
    const std::string type = column.type.to_string();
    const int misfit = add_rule(column.name, type, "the default '{}' does not fit " + type);
    made.cases +=
        fmt::format(" WHEN {}{} IS NULL AND weir_d{}.v IS NOT NULL THEN {}", when, name, index,
                    reject(misfit, fmt::format("left(CAST(weir_d{}.v AS VARCHAR), 200)", index)));
  }
  made.sql = flag.empty() ? value.conversion.sql
                          : fmt::format("CASE WHEN {} THEN {} ELSE {} END", flag,
                                        value.conversion.sql, made.sql);
  return {};
}

Result<RowCompiler::Made> RowCompiler::make_column(const Table& table, size_t index,
                                                   const DefaultFlags& flags,
                                                   const ServerDialect* dialect) {
  const Column& column = table.columns[index];
  const std::string name = quote_identifier(column.name);
  Made made;
  made.sql = fmt::format("CAST(NULL AS {})", duckdb::sql_type(column.type));
  const bool given = find(column.name) != nullptr;
  if (given) WEIR_TRY(make_given(column, index, made));
  const auto flag = flags.find(column.name);
  if (defaults_[index] && (!given || flag != flags.end())) {
    WEIR_TRY(make_default(column, index, given ? flag->second : "", made));
  }
  if (column.type.kind == TypeKind::varchar && column.type.length > 0) {
    const int rule =
        add_rule(column.name, column.type.to_string(),
                 "the text has more than " + std::to_string(column.type.length) + " characters");
    made.cases += fmt::format(" WHEN strlen({0}) > {1} AND length({0}) > {1} THEN {2}", name,
                              column.type.length, reject(rule, fmt::format("left({}, 200)", name)));
  }
  for (const ValueLimit& limit :
       dialect != nullptr ? dialect->limits(table, column) : std::vector<ValueLimit>{}) {
    const int rule = add_rule(column.name, limit.rule, limit.message);
    made.cases += fmt::format(" WHEN {} THEN {}", limit.broken,
                              reject(rule, fmt::format("left(CAST({} AS VARCHAR), 200)", name)));
  }
  const bool in_key = std::find(table.key.begin(), table.key.end(), column.name) != table.key.end();
  if (column.required() || in_key) {
    const int rule = add_rule(column.name, "required", "a value is required");
    made.cases += fmt::format(" WHEN {} IS NULL THEN {}", name, reject(rule, "NULL"));
  }
  return made;
}

/// The values of the defaults, a level below the columns they go to.
Result<void> RowCompiler::add_defaults(const Table& table) {
  defaults_.assign(table.columns.size(), std::nullopt);
  std::string values;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const Rule* rule = default_rule(column);
    if (rule == nullptr) continue;
    auto made = compile_default(database_, connection_, column, fmt::format("weir_d{}.v", i));
    if (!made) {
      if (problems_ != nullptr) continue;  // the table's own check tells
      Error error = made.error();
      error.message = "the rule '" + rule->text + "' of column '" + column.name +
                      "' does not fit: " + error.message;
      return fail(std::move(error));
    }
    values += fmt::format(", {} AS weir_d{}", made->sql, i);
    defaults_[i] = *std::move(made);
  }
  if (!values.empty()) level_ = fmt::format("SELECT *{} FROM ({})", values, level_);
  return {};
}

Result<void> RowCompiler::contract(const Table& table, const DefaultFlags& flags,
                                   const ServerDialect* dialect) {
  WEIR_TRY(add_defaults(table));
  std::string outputs;
  std::vector<std::pair<std::string, std::string>> predicates;  // what must be true, else
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const std::string name = quote_identifier(column.name);
    const Made made = WEIR_TRY(make_column(table, i, flags, dialect));
    outputs += fmt::format(", {} AS {}{}", made.sql, name, made.helpers);
    if (!made.cases.empty()) judge(made.cases);
    for (const Rule& rule : column.rules) {
      if (rule.predicate.empty()) continue;
      const int number = add_rule(column.name, rule.text, "'{}' breaks the rule " + rule.text);
      predicates.emplace_back("COALESCE((" + rule.predicate + "\n), TRUE)",
                              reject(number, fmt::format("left(CAST({} AS VARCHAR), 200)", name)));
    }
  }
  level_ = fmt::format("SELECT weir_row{}{} FROM ({})", carried_, outputs, level_);
  judge_predicates(predicates);
  return {};
}

void RowCompiler::judge(const std::string& cases) {
  contract_ += fmt::format("{}(CASE{} ELSE 1 END)", contract_.empty() ? "" : " & ", cases);
}

/// Rules of the columns: a row on which one fails breaks it.
void RowCompiler::judge_predicates(
    const std::vector<std::pair<std::string, std::string>>& predicates) {
  std::string all;
  for (const auto& [predicate, reject] : predicates) all += ", TRY({'v': " + predicate + "})";
  const bool tried =
      connection_.describe(fmt::format("SELECT 1{} FROM ({})", all, level_)).has_value();
  for (const auto& [predicate, reject] : predicates) {
    const std::string value = tried ? "TRY({'v': " + predicate + "})" : wrapped(predicate);
    judge(fmt::format(" WHEN NOT COALESCE(({}).v, FALSE) THEN {}", value, reject));
  }
}

}  // namespace weir::pipeline
