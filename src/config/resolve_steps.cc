#include "config/resolve_steps.h"

#include <algorithm>
#include <map>
#include <span>

#include "config/resolve_http_steps.h"
#include "config/resolve_row_steps.h"

namespace weir::config {
namespace {

std::string in_pipeline(const Named<PipelineEntry>& entry) {
  return " in pipeline '" + entry.name + "'";
}

bool has_later(const PipelineEntry& pipeline) {
  return std::any_of(pipeline.steps.begin(), pipeline.steps.end(),
                     [](const StepEntry& step) { return step.later.has_value(); });
}

const char* kind_of(const StepEntry& step) {
  if (step.read) return "read";
  if (step.select) return "select";
  if (step.where) return "where";
  if (step.unnest) return "unnest";
  if (step.dedupe) return "dedupe";
  if (step.aggregate) return "aggregate";
  if (step.check) return "check";
  if (step.sql) return "sql";
  if (step.load) return "load";
  if (step.download) return "download";
  if (step.notify) return "notify";
  return "step";
}

/// Of a read step, or of one of its columns, for which the step says what it does not say itself.
MissingValues resolve_missing(const ReadEntry& read, const ReadColumnEntry* column) {
  MissingValues out = {read.absent.value, read.null_means.value, read.empty.value, false};
  bool said = read.absent.given();
  if (column != nullptr) {
    if (column->absent) out.absent = column->absent->value;
    if (column->null) out.null = column->null->value;
    if (column->empty) out.empty = column->empty->value;
    said = said || column->absent.has_value();
  }
  out.may_lack = said && out.absent != AbsentMeans::reject;
  return out;
}

ReadStep resolve_read(const Named<PipelineEntry>& entry, const ReadEntry& read, Reader& reader) {
  ReadStep out;
  out.format = read.format.value;
  out.layout = read.layout.value;
  out.csv = {read.header.value, read.delimiter.value, read.quote.value,
             read.escape.value, read.null_text.value, int(read.skip.value)};
  // Doubling the quote is the rule; who changes the quote means both.
  if (read.quote.given() && !read.escape.given()) out.csv.escape = read.quote.value;
  out.compression = read.compression.value;
  out.max_record_bytes = read.max_record.value;
  out.location = read.location;
  if (out.format == Format::parquet) {
    reader.note(read.format.location,
                "format parquet" + in_pipeline(entry) + " is not there yet: a run refuses");
  }
  if (read.infer.value) {
    reader.note(read.infer.location,
                "'infer'" + in_pipeline(entry) + " is not there yet: a run refuses",
                "declare the columns; `weir init --from SAMPLE` writes them");
  }
  out.missing = resolve_missing(read, nullptr);
  if (!read.columns) return out;
  std::map<std::string, std::string> seen;
  for (const Named<ReadColumnEntry>& column : *read.columns) {
    const auto [first, added] = seen.emplace(folded(column.name), column.name);
    if (!added) {
      reader.error(column.location,
                   "source column '" + column.name + "'" + in_pipeline(entry) + " differs from '" +
                       first->second + "' in case only",
                   "SQL sees one name: leave one out");
    }
    out.columns.push_back({column.name, column.value.type.value, column.location,
                           resolve_missing(read, &column.value)});
  }
  return out;
}

SelectStep resolve_select(const Named<PipelineEntry>& entry, const StepEntry& step,
                          Reader& reader) {
  SelectStep out;
  out.location = step.location;
  std::map<std::string, std::string> seen;
  for (const Named<SqlText>& item : *step.select) {
    const auto [first, added] = seen.emplace(folded(item.name), item.name);
    if (!added) {
      reader.error(item.location,
                   "output column '" + item.name + "'" + in_pipeline(entry) + " differs from '" +
                       first->second + "' in case only",
                   "SQL sees one name: leave one out");
    }
    out.items.push_back({item.name, item.value});
  }
  if (out.items.empty()) {
    reader.error(step.location, "the select" + in_pipeline(entry) + " has no columns",
                 "write `column: expression` below it");
  }
  return out;
}

std::optional<Step> resolve_sql(const Named<PipelineEntry>& entry, const StepEntry& step,
                                const Resolving& resolving) {
  SqlStep out;
  out.location = step.location;
  if (!step.in) return std::nullopt;  // reported when it was read
  out.database = DatabaseName(step.in->value);
  const auto* database = find_entry(resolving.entry.databases, step.in->value);
  if (database == nullptr) {
    resolving.reader.error(step.in->location,
                           "unknown database '" + step.in->value + "'" + in_pipeline(entry),
                           suggestion(step.in->value, names_of(resolving.entry.databases)));
    return std::nullopt;
  }
  if (step.sql->any) {
    out.sql = *step.sql->any;
    return out;
  }
  const DatabaseConfig* config = resolving.project.find_database(out.database);
  if (config == nullptr) return std::nullopt;  // its own error is enough
  const SqlText* sql = step.sql->find(config->engine);
  if (sql == nullptr) {
    const std::string engine(engine_word(config->engine));
    resolving.reader.error(step.sql->location,
                           "no SQL for " + engine + ", the engine of database '" + step.in->value +
                               "'," + in_pipeline(entry),
                           "add " + engine + ": …");
    return std::nullopt;
  }
  out.sql = *sql;
  out.duckdb = step.sql->duckdb;
  return out;
}

std::optional<Step> resolve_load(const Named<PipelineEntry>& entry, const LoadEntry& load,
                                 const Resolving& resolving) {
  if (!load.table.given()) return std::nullopt;  // reported when it was read
  const auto* table = find_entry(resolving.entry.tables, load.table.value);
  if (table == nullptr) {
    const std::vector<std::string> known = names_of(resolving.entry.tables);
    resolving.reader.error(
        load.table.location, "unknown table '" + load.table.value + "'" + in_pipeline(entry),
        known.empty() ? "declare it under tables:" : suggestion(load.table.value, known));
    return std::nullopt;
  }
  const LoadMode mode = load.mode.value;
  const Table* resolved = resolving.project.find_table(TableName(load.table.value));
  if (resolved != nullptr && resolved->key.empty() &&
      (mode == LoadMode::merge || mode == LoadMode::ignore)) {
    resolving.reader.error(load.mode.location,
                           "mode " + std::string(to_string(mode)) + in_pipeline(entry) +
                               " needs a key, and table '" + load.table.value + "' has none",
                           "give the table a key, e.g. key: [id]");
  }
  return LoadStep{TableName(load.table.value), mode, load.location};
}

/// A download stands alone: its run is about the one object it fetches.
void check_download_order(const Named<PipelineEntry>& entry, std::span<const StepEntry> steps,
                          Reader& reader) {
  for (const StepEntry& step : steps.subspan(1)) {
    reader.error(step.location,
                 std::string(kind_of(step)) + in_pipeline(entry) + " stands behind a download",
                 step.download ? "a pipeline downloads one object: move it into its own pipeline"
                               : "let the object start another pipeline: when: [{object: …}]");
  }
}

/// From a source of rows to a load.
void check_load_order(const Named<PipelineEntry>& entry, std::span<const StepEntry> steps,
                      Reader& reader) {
  const StepEntry& first = steps.front();
  if (!first.read && !first.sql) {
    reader.error(
        first.location,
        "pipeline '" + entry.name + "' begins with " + kind_of(first) + ", which has no rows yet",
        "begin with read or sql");
  }
  for (const StepEntry& step : steps.subspan(1)) {
    if (step.read || step.sql || step.download) {
      reader.error(step.location,
                   std::string(kind_of(step)) + in_pipeline(entry) + " is not the first step",
                   "a pipeline has one source: move it to the front, or into its own pipeline");
    }
  }
  for (size_t i = 0; i + 1 < steps.size(); ++i) {
    if (steps[i].notify) {
      reader.error(steps[i].location, "notify" + in_pipeline(entry) + " is not the last step",
                   "a notice tells how the run ended: move it to the end");
    }
    if (!steps[i].load) continue;
    reader.error(
        steps[i + 1].location,
        std::string(kind_of(steps[i + 1])) + in_pipeline(entry) + " stands behind the load",
        "a pipeline ends with its load: move it up, or into its own pipeline");
  }
  const bool loads = std::any_of(steps.begin(), steps.end(),
                                 [](const StepEntry& step) { return step.load.has_value(); });
  if (!loads) {
    reader.error(steps.back().location,
                 "pipeline '" + entry.name + "' ends with " + kind_of(steps.back()) +
                     ", so its rows go nowhere",
                 "end it with load: {table: …}");
  }
}

}  // namespace

void check_step_order(const Named<PipelineEntry>& entry, Reader& reader) {
  std::span<const StepEntry> steps = entry.value.steps;
  if (steps.empty()) {
    reader.error(entry.location, "pipeline '" + entry.name + "' has no steps",
                 "begin with read or sql, end with load");
    return;
  }
  if (has_later(entry.value)) return;  // their places are settled when they come
  while (!steps.empty() && steps.back().notify) steps = steps.first(steps.size() - 1);
  if (steps.empty()) {
    reader.error(entry.value.steps.front().location,
                 "pipeline '" + entry.name + "' only notifies, and nothing happens in it",
                 "put its notify behind the load or download it tells of");
  } else if (steps.front().download) {
    check_download_order(entry, steps, reader);
  } else {
    check_load_order(entry, steps, reader);
  }
}

std::optional<Step> resolve_step(const Named<PipelineEntry>& entry, const StepEntry& step,
                                 const Resolving& resolving) {
  if (step.later) return LaterStep{step.later_kind, step.location};
  if (step.read) return resolve_read(entry, *step.read, resolving.reader);
  if (step.select) return resolve_select(entry, step, resolving.reader);
  if (step.where) return WhereStep{*step.where, step.location};
  if (step.unnest) return resolve_unnest(*step.unnest);
  if (step.dedupe) return resolve_dedupe(*step.dedupe);
  if (step.aggregate) return resolve_aggregate(entry.name, *step.aggregate, resolving.reader);
  if (step.check) return resolve_check(entry.name, step, resolving.reader);
  if (step.sql) return resolve_sql(entry, step, resolving);
  if (step.load) return resolve_load(entry, *step.load, resolving);
  if (step.download) return resolve_download(entry, *step.download, resolving);
  if (step.notify) return resolve_notify(entry, *step.notify, resolving);
  return std::nullopt;
}

}  // namespace weir::config
