#pragma once

#include "config/http_step_entry.h"
#include "config/retry_entry.h"
#include "config/row_step_entry.h"
#include "config/sql_entry.h"
#include "config/values.h"
#include "model/pipeline.h"

namespace weir::config {

/// `- object: landing/*.json` or `- {cron: "5 0 * * *", timezone: Europe/Madrid}`
struct TriggerEntry {
  std::optional<Located<std::string>> object, cron, timezone;
  Located<MissedFires> missed{CronTrigger{}.missed, {}};
  Location location;
};

/// `city: varchar`, or `city: {type: varchar, empty: null}`
struct ReadColumnEntry {
  Located<DataType> type;
  std::optional<Located<AbsentMeans>> absent;  ///< left out, as the next two: the read step's
  std::optional<Located<NullMeans>> null;
  std::optional<Located<EmptyMeans>> empty;
};
Value<ReadColumnEntry> read_column_value();
Value<Located<AbsentMeans>> absent_value();
Value<Located<NullMeans>> null_value();
Value<Located<EmptyMeans>> empty_value();

/// `read: {format: json, columns: …}`
struct ReadEntry {
  Located<Format> format{Format::json, {}};
  std::optional<std::vector<Named<ReadColumnEntry>>> columns;
  Located<AbsentMeans> absent{MissingValues{}.absent, {}};
  Located<NullMeans> null_means{MissingValues{}.null, {}};
  Located<EmptyMeans> empty{MissingValues{}.empty, {}};
  Located<JsonLayout> layout{JsonLayout::automatic, {}};
  Located<bool> header{CsvDialect{}.header, {}};
  Located<char> delimiter{CsvDialect{}.delimiter, {}};
  Located<char> quote{CsvDialect{}.quote, {}};
  Located<char> escape{CsvDialect{}.escape, {}};
  Located<std::string> null_text{CsvDialect{}.null_text, {}};
  Located<int64_t> skip{CsvDialect{}.skip_lines, {}};
  Located<Compression> compression{Compression::automatic, {}};
  Located<uint64_t> max_record{ReadStep{}.max_record_bytes, {}};
  Located<bool> infer{false, {}};
  Location location;
};

/// `load: {table: hits, mode: merge}`
struct LoadEntry {
  Located<std::string> table;
  Located<LoadMode> mode{LoadMode::append, {}};
  Location location;
};

/// One item of `steps`: one of the kinds is there.
struct StepEntry {
  std::optional<ReadEntry> read;
  std::optional<std::vector<Named<SqlText>>> select;
  std::optional<SqlText> where;
  std::optional<UnnestEntry> unnest;
  std::optional<DedupeEntry> dedupe;
  std::optional<AggregateEntry> aggregate;
  std::optional<CheckEntry> check;
  std::optional<SqlEntry> sql;
  std::optional<Located<std::string>> in;
  std::optional<LoadEntry> load;
  std::optional<DownloadEntry> download;
  std::optional<NotifyEntry> notify;
  std::optional<Later> later;
  std::string later_kind;
  Location location;
};

/// An entry of `pipelines`.
struct PipelineEntry {
  std::vector<TriggerEntry> when;
  std::vector<StepEntry> steps;
  RetryEntry retry;
  Located<int64_t> concurrency{Pipeline{}.concurrency, {}};
  Located<int64_t> priority{0, {}};
  Location location;
};
Value<PipelineEntry> pipeline_value();

}  // namespace weir::config
