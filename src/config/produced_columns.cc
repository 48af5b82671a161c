#include "config/produced_columns.h"

#include <algorithm>

namespace weir::config {
namespace {

/// A column of the rows so far, and where it is named.
struct Produced {
  std::string name;
  const Location* location;
};

/// The columns of the rows so far, and the step that named them.
struct Rows {
  std::vector<Produced> columns;
  std::string source;
  Location at;
};

/// What a read step gives.
Rows rows_read(const ReadEntry& read, const Table& table) {
  Rows rows{{}, "the columns read", read.location};
  if (read.columns) {
    for (const auto& column : *read.columns)
      rows.columns.push_back({column.name, &column.location});
  } else {
    for (const Column& column : table.columns)
      rows.columns.push_back({column.name, &read.location});
  }
  return rows;
}

void apply(const StepEntry& step, Rows& rows) {
  if (step.unnest) {
    for (Produced& column : rows.columns) {
      if (!step.unnest->as || folded(column.name) != folded(step.unnest->column.value)) continue;
      column = {step.unnest->as->value, &step.unnest->as->location};
    }
  }
  if (!step.select && !step.aggregate) return;
  rows = {{}, step.select ? "the select" : "the aggregate", step.location};
  if (step.aggregate) {
    for (const auto& column : step.aggregate->by) {
      rows.columns.push_back({column.value, &column.location});
    }
  }
  for (const auto& item : step.select ? *step.select : step.aggregate->columns) {
    rows.columns.push_back({item.name, &item.location});
  }
}

void compare_columns(const std::vector<Produced>& produced, const Table& table,
                     const std::string& source, const Location& at,
                     const Named<PipelineEntry>& entry, Reader& reader) {
  const auto same = [](std::string_view a, std::string_view b) { return folded(a) == folded(b); };
  for (const Produced& column : produced) {
    if (std::any_of(table.columns.begin(), table.columns.end(),
                    [&](const Column& each) { return same(each.name, column.name); })) {
      continue;
    }
    reader.error(*column.location,
                 "column '" + column.name + "'" + " in pipeline '" + entry.name +
                     "' is not in table '" + table.name.value() + "'",
                 suggestion(column.name, names_of(table.columns)));
  }
  for (const Column& column : table.columns) {
    const bool has_default =
        std::any_of(column.rules.begin(), column.rules.end(),
                    [](const Rule& rule) { return rule.kind == RuleKind::default_; });
    if (!column.required() || has_default) continue;
    if (std::any_of(produced.begin(), produced.end(),
                    [&](const Produced& each) { return same(each.name, column.name); })) {
      continue;
    }
    reader.error(at,
                 "the required column '" + column.name + "' of table '" + table.name.value() +
                     "' is missing in " + source + " of pipeline '" + entry.name + "'",
                 "add " + column.name + ": …");
  }
}

}  // namespace

void check_columns_produced(const Named<PipelineEntry>& entry, const Resolving& resolving) {
  const std::vector<StepEntry>& steps = entry.value.steps;
  if (steps.empty() || !steps.back().load) return;
  const Table* table = resolving.project.find_table(TableName(steps.back().load->table.value));
  if (table == nullptr) return;
  std::optional<Rows> rows;
  for (const StepEntry& step : steps) {
    if (step.later) return;
    if (step.read) rows = rows_read(*step.read, *table);
    if (step.sql) rows.reset();
    if (!rows && (step.select || step.aggregate)) rows.emplace();
    if (rows) apply(step, *rows);
  }
  if (!rows) return;
  compare_columns(rows->columns, *table, rows->source, rows->at, entry, resolving.reader);
}

}  // namespace weir::config
