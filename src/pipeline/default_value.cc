#include "pipeline/default_value.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/run_variables.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

/// A column's name as an expression may have it: bare, or in double quotes.
std::string bare_name(const std::string& expression) {
  if (expression.size() < 2 || expression.front() != '"' || expression.back() != '"') {
    return expression;
  }
  const std::string inside = expression.substr(1, expression.size() - 2);
  return inside.find('"') == std::string::npos ? inside : expression;
}

bool uses_default(const MissingValues& missing) {
  return missing.absent == AbsentMeans::use_default || missing.null == NullMeans::use_default ||
         missing.empty == EmptyMeans::use_default;
}

/// What the column was called before the step; empty when the step makes it itself.
std::string name_before(const Step& step, const std::string& name) {
  if (const auto* select = std::get_if<SelectStep>(&step)) {
    const auto item =
        std::find_if(select->items.begin(), select->items.end(),
                     [&](const SelectItem& each) { return same_name(each.name, name); });
    return item == select->items.end() ? "" : bare_name(item->expression.text);
  }
  if (const auto* unnest = std::get_if<UnnestStep>(&step)) {
    return same_name(unnest->as.empty() ? unnest->column.name : unnest->as, name) ? "" : name;
  }
  return std::holds_alternative<AggregateStep>(step) ? "" : name;
}

}  // namespace

const Rule* default_rule(const Column& column) {
  const auto rule = std::find_if(column.rules.begin(), column.rules.end(),
                                 [](const Rule& each) { return each.kind == RuleKind::default_; });
  return rule == column.rules.end() ? nullptr : &*rule;
}

std::optional<size_t> source_of(const PipelineParts& parts, const std::string& column) {
  std::string name = column;
  for (auto step = parts.row_steps.rbegin(); step != parts.row_steps.rend(); ++step) {
    name = name_before(**step, name);
    if (name.empty()) return std::nullopt;
  }
  for (size_t i = 0; i < parts.source_columns.size(); ++i) {
    if (same_name(parts.source_columns[i].name, name)) return i;
  }
  return std::nullopt;
}

std::vector<size_t> defaulted_sources(const PipelineParts& parts) {
  std::vector<size_t> sources;
  for (const Column& column : parts.table->columns) {
    if (default_rule(column) == nullptr) continue;
    const auto source = source_of(parts, column.name);
    if (source && uses_default(parts.source_columns[*source].missing)) sources.push_back(*source);
  }
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  return sources;
}

Result<DefaultValue> compile_default(duckdb::Database& database, duckdb::Connection& connection,
                                     const Column& column, const std::string& value) {
  const std::string& written = default_rule(column)->argument;
  if (auto error = check_fragment(written)) return fail(*std::move(error));
  const std::string expression = stand_in_run_variables(written);
  // Beside another column an aggregate does not bind, in a WHERE no window and no unnest.
  const auto alone = connection.describe("SELECT weir_row, (" + expression +
                                         "\n) FROM (SELECT 1 AS weir_row) WHERE ((" + expression +
                                         "\n)) IS NULL OR TRUE");
  if (!alone) {
    Error error = alone.error();
    if (error.message.find("Referenced column") != std::string::npos) {
      error.fix =
          "a default is the same for every row, or a function such as now(): it cannot name "
          "columns; use a select for that";
    }
    return fail(std::move(error));
  }
  if (alone->size() != 2) {
    return fail(ErrorCode::sql, "this is not one expression", "write one value");
  }
  DefaultValue made;
  made.sql = fmt::format("TRY({{'v': ({}\n)}})", expression);
  if (!connection.describe("SELECT " + made.sql)) made.sql = "{'v': (" + expression + "\n)}";
  made.conversion = WEIR_TRY(convert(database, value, alone->back().type, column.type));
  return made;
}

}  // namespace weir::pipeline
