#include "pipeline/pipeline_parts.h"

#include <fmt/format.h>

#include <utility>

#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

/// Names two of which DuckDB would take for one, and names that are weir's own.
Result<void> check_names(const std::vector<std::pair<std::string, Location>>& columns,
                         const std::string& where) {
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto& [name, location] = columns[i];
    if (is_reserved_name(name)) {
      return fail(ErrorCode::invalid_project,
                  fmt::format("the column '{}' of {} has a name that begins with weir_, as weir's "
                              "own do",
                              name, where),
                  "give it another name", location);
    }
    for (size_t k = 0; k < i; ++k) {
      if (same_name(columns[k].first, name)) {
        return fail(ErrorCode::invalid_project,
                    fmt::format("the columns '{}' and '{}' of {} differ in upper and lower case "
                                "only, which SQL does not tell apart",
                                columns[k].first, name, where),
                    "rename or leave out one of them", location);
      }
    }
  }
  return {};
}

Result<void> check_all_names(const PipelineParts& parts) {
  std::vector<std::pair<std::string, Location>> names;
  for (const ReadColumn& column : parts.source_columns) {
    names.emplace_back(column.name, column.location);
  }
  WEIR_TRY(check_names(names, "the read step"));
  for (const Step* step : parts.row_steps) {
    names.clear();
    if (const auto* unnest = std::get_if<UnnestStep>(step); unnest != nullptr) {
      names.emplace_back(unnest->as, unnest->column.location);
      WEIR_TRY(check_names(names, "an unnest step"));
    }
    const auto* select = std::get_if<SelectStep>(step);
    const auto* aggregate = std::get_if<AggregateStep>(step);
    if (select == nullptr && aggregate == nullptr) continue;
    if (aggregate != nullptr) {
      for (const NamedColumn& column : aggregate->by) {
        names.emplace_back(column.name, column.location);
      }
    }
    for (const SelectItem& item : select != nullptr ? select->items : aggregate->items) {
      names.emplace_back(item.name, item.expression.location);
    }
    WEIR_TRY(check_names(names, select != nullptr ? "a select step" : "an aggregate step"));
  }
  names.clear();
  for (const Column& column : parts.table->columns) {
    names.emplace_back(column.name, column.location);
  }
  return check_names(names, "table '" + parts.table->name.value() + "'");
}

}  // namespace

Result<PipelineParts> take_apart(const Project& project, const Pipeline& pipeline) {
  PipelineParts parts;
  parts.pipeline = &pipeline;
  const auto later = [&](const std::string& what, const Location& location) {
    return fail(ErrorCode::not_yet, what + " is not built yet", "leave it out for now", location);
  };
  if (pipeline.download() != nullptr) {
    return fail(ErrorCode::usage,
                "pipeline '" + pipeline.name.value() + "' downloads, and loads no rows",
                "name the pipeline that reads what it fetches", pipeline.location);
  }
  for (const Step& step : pipeline.steps) {
    if (std::holds_alternative<NotifyStep>(step)) continue;  // when the run has ended
    if (parts.load != nullptr) return later("a step behind load", pipeline.location);
    if (const auto* read = std::get_if<ReadStep>(&step)) {
      if (read->format == Format::parquet) return later("format parquet", read->location);
      parts.read = read;
    } else if (const auto* sql = std::get_if<SqlStep>(&step)) {
      if (parts.read != nullptr || parts.sql != nullptr || !parts.row_steps.empty()) {
        return later("a sql step behind another step", sql->location);
      }
      parts.sql = sql;
    } else if (const auto* load = std::get_if<LoadStep>(&step)) {
      parts.load = load;
    } else if (const auto* unknown = std::get_if<LaterStep>(&step)) {
      return later("the step " + unknown->kind, unknown->location);
    } else {
      parts.row_steps.push_back(&step);
    }
  }
  if (parts.load == nullptr || (parts.read == nullptr && parts.sql == nullptr)) {
    return fail(ErrorCode::invalid_project,
                "pipeline '" + pipeline.name.value() + "' does not go from read or sql to load");
  }
  parts.table = project.find_table(parts.load->table);
  if (parts.table == nullptr) {
    return fail(ErrorCode::invalid_project, "unknown table '" + parts.load->table.value() + "'");
  }
  if (parts.read != nullptr) {
    parts.source_columns = parts.read->columns;
    if (parts.source_columns.empty()) {
      for (const Column& column : parts.table->columns) {
        parts.source_columns.push_back(
            {column.name, column.type, column.location, parts.read->missing});
      }
    }
  } else {
    const DatabaseConfig* origin = project.find_database(parts.sql->database);
    parts.fetched = parts.sql->database != parts.table->database ||
                    (origin != nullptr && origin->engine != Engine::duckdb);
  }
  const LoadMode mode = parts.load->mode;
  if ((mode == LoadMode::merge || mode == LoadMode::ignore) && parts.table->key.empty()) {
    return fail(ErrorCode::invalid_project,
                fmt::format("mode {} needs a key on table '{}'", to_string(mode),
                            parts.table->name.value()));
  }
  WEIR_TRY(check_all_names(parts));
  return parts;
}

}  // namespace weir::pipeline
