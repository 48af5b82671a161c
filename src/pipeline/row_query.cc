#include "pipeline/row_query.h"

#include <fmt/format.h>

#include <algorithm>

#include "duckdb/scan.h"
#include "pipeline/default_value.h"
#include "pipeline/row_compiler.h"
#include "pipeline/run_variables.h"
#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

bool any_reads_tables(const PipelineParts& parts) {
  if (parts.sql != nullptr) return true;
  for (const Step* step : parts.row_steps) {
    if (const auto* where = std::get_if<WhereStep>(step)) {
      if (reads_tables(where->predicate.text)) return true;
    }
    if (const auto* select = std::get_if<SelectStep>(step)) {
      for (const SelectItem& item : select->items) {
        if (reads_tables(item.expression.text)) return true;
      }
    }
  }
  for (const Column& column : parts.table->columns) {
    for (const Rule& rule : column.rules) {
      if (reads_tables(rule.predicate)) return true;
      if (rule.kind == RuleKind::default_ && reads_tables(rule.argument)) return true;
    }
  }
  return false;
}

/// The scan's flags by the table's column they speak of.
RowCompiler::DefaultFlags default_flags(const PipelineParts& parts) {
  RowCompiler::DefaultFlags flags;
  const std::vector<size_t> defaulted = defaulted_sources(parts);
  for (const Column& column : parts.table->columns) {
    const auto source = source_of(parts, column.name);
    if (default_rule(column) != nullptr && source &&
        std::binary_search(defaulted.begin(), defaulted.end(), *source)) {
      flags.emplace(column.name, duckdb::default_flag(*source));
    }
  }
  return flags;
}

}  // namespace

Result<RowQuery> compile_rows(const PipelineParts& parts, duckdb::Database& database,
                              duckdb::Connection& connection, const std::string& source,
                              int64_t slot, int first_rule, std::vector<SqlProblem>* problems) {
  RowCompiler compiler(database, connection, source, slot, first_rule, parts.sql != nullptr,
                       problems);
  WEIR_TRY(compiler.begin());
  for (const Step* step : parts.row_steps) {
    if (const auto* select = std::get_if<SelectStep>(step)) WEIR_TRY(compiler.select(*select));
    if (const auto* where = std::get_if<WhereStep>(step)) WEIR_TRY(compiler.where(*where));
  }
  WEIR_TRY(compiler.contract(*parts.table, default_flags(parts)));
  RowQuery query = std::move(compiler).finish(*parts.table);
  query.reads_tables = any_reads_tables(parts);
  return query;
}

std::string sql_source(const SqlStep& step) {
  return fmt::format("SELECT *, row_number() OVER () AS weir_row FROM (\n{}\n)",
                     stand_in_run_variables(step.sql.text));
}

}  // namespace weir::pipeline
