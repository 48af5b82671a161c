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

/// The SQL of a step, as the user wrote it.
std::vector<const SqlText*> texts_of(const Step& step) {
  std::vector<const SqlText*> texts;
  const auto add_all = [&](const std::vector<SelectItem>& items) {
    for (const SelectItem& item : items) texts.push_back(&item.expression);
  };
  if (const auto* where = std::get_if<WhereStep>(&step)) texts.push_back(&where->predicate);
  if (const auto* select = std::get_if<SelectStep>(&step)) add_all(select->items);
  if (const auto* check = std::get_if<CheckStep>(&step)) add_all(check->rules);
  if (const auto* dedupe = std::get_if<DedupeStep>(&step)) texts.push_back(&dedupe->order_by);
  if (const auto* aggregate = std::get_if<AggregateStep>(&step)) add_all(aggregate->items);
  return texts;
}

bool any_reads_tables(const PipelineParts& parts) {
  if (parts.sql != nullptr) return true;
  for (const Step* step : parts.row_steps) {
    for (const SqlText* text : texts_of(*step)) {
      if (reads_tables(text->text)) return true;
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

/// A row that the load rejects is told with the table's values: a timestamp that became a date is
/// spelled as one. Text takes any spelling.
void spell_as_loaded(const PipelineParts& parts, std::vector<duckdb::ResultColumn>& columns) {
  for (duckdb::ResultColumn& column : columns) {
    if (column.type == "VARCHAR" || column.type == "JSON") continue;
    for (const Column& loaded : parts.table->columns) {
      if (same_name(loaded.name, column.name)) column.type = duckdb::sql_type(loaded.type);
    }
  }
}

Result<void> compile_step(RowCompiler& compiler, const PipelineParts& parts, const Step& step) {
  const int next = static_cast<int>(&step - parts.pipeline->steps.data()) + 1;
  if (const auto* select = std::get_if<SelectStep>(&step)) return compiler.select(*select);
  if (const auto* where = std::get_if<WhereStep>(&step)) return compiler.where(*where);
  if (const auto* check = std::get_if<CheckStep>(&step)) return compiler.check(*check);
  if (const auto* unnest = std::get_if<UnnestStep>(&step)) return compiler.unnest(*unnest, next);
  if (std::holds_alternative<DedupeStep>(step)) return compiler.dedupe(step);
  return compiler.aggregate(step, next);
}

}  // namespace

Result<RowQuery> compile_rows(const PipelineParts& parts, duckdb::Database& database,
                              duckdb::Connection& connection, const std::string& source,
                              int64_t slot, int first_rule, const ServerDialect* dialect,
                              std::vector<SqlProblem>* problems) {
  RowCompiler compiler(parts, database, connection, source, slot, first_rule, problems);
  WEIR_TRY(compiler.begin());
  for (const Step* step : parts.row_steps) {
    WEIR_TRY(compile_step(compiler, parts, *step));
    if (compiler.blind()) return RowQuery{};  // what is behind is judged once this is mended
  }
  WEIR_TRY(compiler.contract(*parts.table, default_flags(parts), dialect));
  RowQuery query = WEIR_TRY(std::move(compiler).finish(*parts.table));
  query.reads_tables = !query.folds.empty() || any_reads_tables(parts);
  return query;
}

Result<std::vector<duckdb::ResultColumn>> columns_before(const PipelineParts& parts,
                                                         duckdb::Database& database,
                                                         duckdb::Connection& connection, int step) {
  std::string source = "SELECT CAST(0 AS BIGINT) AS weir_row";
  for (const ReadColumn& column : parts.source_columns) {
    source += fmt::format(", CAST(NULL AS {}) AS {}", duckdb::sql_type(column.type),
                          duckdb::quote_identifier(column.name));
  }
  if (parts.fetched) {
    return fail(ErrorCode::sql, "what the query gives is known to its own database alone",
                "run the pipeline again: it asks anew", parts.sql->location);
  }
  if (parts.sql != nullptr) source = sql_source(*parts.sql);
  RowCompiler compiler(parts, database, connection, source, 0, 0, nullptr);
  WEIR_TRY(compiler.begin());
  for (const Step* row_step : parts.row_steps) {
    if (row_step - parts.pipeline->steps.data() >= step) break;
    WEIR_TRY(compile_step(compiler, parts, *row_step));
  }
  std::vector<duckdb::ResultColumn> columns = compiler.columns();
  if (step + 1 == static_cast<int>(parts.pipeline->steps.size())) spell_as_loaded(parts, columns);
  return columns;
}

std::string sql_source(const SqlStep& step) {
  return fmt::format("SELECT *, row_number() OVER () AS weir_row FROM (\n{}\n)",
                     stand_in_run_variables(step.sql.text));
}

}  // namespace weir::pipeline
