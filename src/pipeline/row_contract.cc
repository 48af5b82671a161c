// RowCompiler's last part: what a table's dictionary asks of a row.
#include <fmt/format.h>

#include <algorithm>

#include "pipeline/conversion.h"
#include "pipeline/row_compiler.h"

namespace weir::pipeline {

using duckdb::quote_identifier;

Result<void> RowCompiler::contract(const Table& table) {
  std::string outputs;
  std::vector<std::pair<std::string, std::string>> predicates;  // what must be true, else
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const std::string name = quote_identifier(column.name);
    const duckdb::ResultColumn* given = find(column.name);
    std::string cases;
    if (given == nullptr) {
      outputs += fmt::format(", CAST(NULL AS {}) AS {}", duckdb::sql_type(column.type), name);
    } else {
      auto conversion = convert(database_, name, given->type, column.type);
      if (!conversion) {
        Error error = conversion.error();
        error.message = "column '" + column.name + "': " + error.message;
        if (problems_ == nullptr) return fail(std::move(error));
        problems_->push_back({nullptr, column.name, std::move(error), 0});
        conversion = Conversion{"NULL", false};
      }
      outputs += fmt::format(", {} AS {}", conversion->sql, name);
      if (conversion->can_fail) {
        outputs += fmt::format(", {} AS weir_x{}", name, i);
        const std::string type = column.type.to_string();
        const int rule = add_rule(column.name, type, "'{}' does not fit " + type);
        cases += fmt::format(" WHEN {} IS NULL AND weir_x{} IS NOT NULL THEN {}", name, i,
                             reject(rule, fmt::format("left(CAST(weir_x{} AS VARCHAR), 200)", i)));
      }
      if (column.type.kind == TypeKind::varchar && column.type.length > 0) {
        const std::string type = column.type.to_string();
        const int rule = add_rule(
            column.name, type,
            "the text has more than " + std::to_string(column.type.length) + " characters");
        cases += fmt::format(" WHEN strlen({0}) > {1} AND length({0}) > {1} THEN {2}", name,
                             column.type.length, reject(rule, fmt::format("left({}, 200)", name)));
      }
    }
    const bool in_key =
        std::find(table.key.begin(), table.key.end(), column.name) != table.key.end();
    if (column.required() || in_key) {
      const int rule = add_rule(column.name, "required", "a value is required");
      cases += fmt::format(" WHEN {} IS NULL THEN {}", name, reject(rule, "NULL"));
    }
    if (!cases.empty()) judge(cases);
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
