#include "config/pipeline_entry.h"

#include <array>

#include "config/schedule_entry.h"

namespace weir::config {
namespace {

Value<TriggerEntry> trigger_value() {
  return Record<TriggerEntry>("trigger", "What starts a run.")
      .optional("object", &TriggerEntry::object, text_value("a pattern such as landing/*.json"),
                "A run for each new or changed object: bucket, '/', pattern. `*` stays in one "
                "folder, `**` crosses folders, `?` is one character.",
                "landing/*.json")
      .optional("cron", &TriggerEntry::cron, cron_value(),
                "A run by the clock: minute, hour, day of month, month, day of week; a sixth field "
                "in front is the second. Also `@daily` and the like, and AWS's `cron(…)` and "
                "`rate(…)`. Goes with pipelines that begin with `sql` or `download`.",
                "\"5 0 * * *\"")
      .optional("timezone", &TriggerEntry::timezone, zone_value(),
                "The IANA time zone of `cron`. Left out: UTC.", "America/Argentina/Buenos_Aires")
      .optional("missed", &TriggerEntry::missed,
                choice_value<MissedFires>({{"skip", MissedFires::skip},
                                           {"last", MissedFires::last},
                                           {"all", MissedFires::all}}),
                "Which of the fires that nobody was up for are made up for: none, only the last "
                "one, or all, oldest first.",
                "all")
      .one_of({"object", "cron"})
      .then([](const YamlNode&, TriggerEntry& trigger, Reader& reader) {
        if (trigger.cron || !trigger.object) return;
        const auto only_cron = [&](const Location& at, const char* key) {
          reader.error(at, std::string("'") + key + "' goes with 'cron', not with 'object'",
                       "remove it");
        };
        if (trigger.timezone) only_cron(trigger.timezone->location, "timezone");
        if (trigger.missed.given()) only_cron(trigger.missed.location, "missed");
      })
      .value();
}

/// Keys that fit one format only.
void check_format_keys(const YamlNode&, ReadEntry& read, Reader& reader) {
  if (!read.format.given()) return;
  const auto only = [&](Format format, const char* name, const Location& key) {
    if (key.line == 0 || read.format.value == format) return;
    reader.error(key,
                 std::string("'") + name + "' goes with format " + std::string(to_string(format)) +
                     ", not with " + std::string(to_string(read.format.value)),
                 "remove it");
  };
  only(Format::json, "layout", read.layout.location);
  only(Format::csv, "header", read.header.location);
  only(Format::csv, "delimiter", read.delimiter.location);
  only(Format::csv, "quote", read.quote.location);
  only(Format::csv, "escape", read.escape.location);
  only(Format::csv, "null", read.null_text.location);
  only(Format::csv, "skip", read.skip.location);
  if (read.delimiter.value == read.quote.value) {
    reader.error(read.delimiter.given() ? read.delimiter.location : read.quote.location,
                 "'delimiter' and 'quote' are the same character", "change one of them");
  }
}

Record<ReadEntry> read_record() {
  Record<ReadEntry> record("read",
                           "Reads an object: its format and its columns. Nothing is "
                           "guessed.");
  record
      .required("format", &ReadEntry::format,
                choice_value<Format>(
                    {{"json", Format::json}, {"csv", Format::csv}, {"parquet", Format::parquet}}),
                "What the objects are. (parquet is not there yet: a run refuses.)", "csv")
      .optional(
          "columns", &ReadEntry::columns, named(any_name("source column"), read_column_value()),
          "What the source holds: JSON members or CSV columns, with their types. Left out: the "
          "target table's columns.",
          "{userId: varchar, hit: \"json[]\"}")
      .optional("layout", &ReadEntry::layout,
                choice_value<JsonLayout>({{"auto", JsonLayout::automatic},
                                          {"array", JsonLayout::array},
                                          {"lines", JsonLayout::lines}}),
                "JSON: one array of objects, or one object after the other (NDJSON).", "lines")
      .optional("header", &ReadEntry::header, boolean_value(),
                "CSV: the first line names the columns.", "false")
      .optional("delimiter", &ReadEntry::delimiter, character_value(AllowNone::no),
                "CSV: what stands between two fields.", "\";\"")
      .optional("quote", &ReadEntry::quote, character_value(AllowNone::yes),
                "CSV: what encloses a field that holds the delimiter; `none` for no quoting.",
                "none")
      .optional("escape", &ReadEntry::escape, character_value(AllowNone::yes),
                "CSV: what stands before a quote inside quotes.", "'\\'")
      .optional("null", &ReadEntry::null_text, text_value("text"),
                "CSV: an unquoted field equal to this is NULL. Left out: the empty field.", "NA")
      .optional("skip", &ReadEntry::skip, integer_value(0, 1'000'000),
                "CSV: lines to skip before the header.", "2");
  return record;
}

Record<ReadEntry> read_record_with_missing() {
  Record<ReadEntry> record = read_record();
  record
      .optional("absent", &ReadEntry::absent, absent_value(),
                "What it means when a JSON element lacks the member, or a CSV header the column: "
                "`default` (the table's column has its default, else NULL), `null` or `reject`. A "
                "CSV header may lack a column only where this is said and is not `reject`.",
                "reject")
      .optional("null_means", &ReadEntry::null_means, null_value(),
                "What JSON null and the CSV null text mean: `null`, `default` or `reject`.",
                "default")
      .optional("empty", &ReadEntry::empty, empty_value(),
                "What an empty text means, in CSV a quoted one (and an unquoted one where `null` "
                "is another text): `text` (the value itself), `null`, `default` or `reject`.",
                "reject");
  return record;
}

Value<ReadEntry> read_value() {
  return read_record_with_missing()
      .optional("compression", &ReadEntry::compression,
                choice_value<Compression>({{"auto", Compression::automatic},
                                           {"none", Compression::none},
                                           {"gzip", Compression::gzip},
                                           {"zstd", Compression::zstd}}),
                "How the objects are packed; `auto` goes by the ending (.gz, .zst).", "gzip")
      .optional("max_record", &ReadEntry::max_record, size_value(1024, uint64_t(1) << 30),
                "A longer record is rejected instead of held in memory.", "64MiB")
      .optional("infer", &ReadEntry::infer, boolean_value(),
                "Look at the object to find its columns. (Not there yet: a run refuses.)", "true")
      .then(check_format_keys)
      .value();
}

Value<LoadEntry> load_value() {
  return Record<LoadEntry>("load",
                           "Writes the rows into a table, with receipt and ledger, in one "
                           "transaction.")
      .required("table", &LoadEntry::table, text_value("the name of a table"), "The target table.",
                "hits")
      .optional("mode", &LoadEntry::mode,
                choice_value<LoadMode>({{"append", LoadMode::append},
                                        {"merge", LoadMode::merge},
                                        {"replace", LoadMode::replace},
                                        {"ignore", LoadMode::ignore}}),
                "What becomes of a row whose key is there already. append: it is rejected; "
                "ignore: it is left out; merge: it takes the old row's place; replace: all rows "
                "of the table make way first.",
                "merge")
      .value();
}

struct LaterKind {
  const char* name;
  const char* doc;
  const char* example;
};
constexpr std::array later_kinds = {
    LaterKind{"write", "Writes the rows as files into a bucket.", "{to: out/daily/}"},
    LaterKind{"crawl", "Looks for tables among the files of a bucket.", "out/**"},
    LaterKind{"backup", "Takes a snapshot of tables.", "{tables: [hits], to: backups/}"},
    LaterKind{"restore", "Brings a snapshot back.", "{from: backups/latest}"},
    LaterKind{"run", "Starts another pipeline.", "daily-totals"},
};

/// What hangs together inside one step.
void check_step(const YamlNode& node, StepEntry& step, Reader& reader) {
  for (const LaterKind& kind : later_kinds) {
    if (step.later && node.find(kind.name) != nullptr) step.later_kind = kind.name;
  }
  const bool only_sql = node.find("sql") != nullptr;
  if (step.in && !only_sql && !step.later) {
    reader.error(step.in->location, "'in' goes with 'sql'", "remove it");
  }
  if (only_sql && node.find("in") == nullptr) {
    reader.error(node.location, "'in' is missing beside 'sql' in " + reader.subject(),
                 "name the database it runs in, e.g. in: warehouse");
  }
}

Value<StepEntry> step_value() {
  Record<StepEntry> record("step", "One thing a pipeline does. Each list item is one step.");
  record.optional("read", &StepEntry::read, read_value(),
                  "Reads the object that triggered the run.", "{format: csv}");
  record.optional(
      "select", &StepEntry::select,
      named(any_name("output column"), sql_value("an SQL expression")),
      "The rows' new columns: `column: SQL expression` (DuckDB) over the columns before.",
      "{visit_id: visitId, hit_count: len(hit)}");
  record.optional("where", &StepEntry::where, sql_value("an SQL condition"),
                  "Keeps the rows for which the condition (DuckDB) is true.", "visit_id > 0");
  record.optional("unnest", &StepEntry::unnest, unnest_value(),
                  "One row per element of a list column.", "hit");
  record.optional("dedupe", &StepEntry::dedupe, dedupe_value(),
                  "Of rows with equal columns one stays.", "{by: [id], keep: last}");
  record.optional("aggregate", &StepEntry::aggregate, aggregate_value(),
                  "One row per group of rows.", "{by: [city], columns: {rows: count(*)}}");
  record.optional("check", &StepEntry::check, check_value(),
                  "Rejects the rows for which a condition (DuckDB) is false: one condition, "
                  "several, or conditions by name.",
                  "{ends after it begins: ends >= begins}");
  record.optional("sql", &StepEntry::sql, sql_entry_value("SQL"),
                  "A query that runs inside a database; its rows are the input of the next steps.",
                  "SELECT * FROM hits");
  record.optional("in", &StepEntry::in, text_value("the name of a database"),
                  "The database `sql` runs in.", "warehouse");
  record.optional("load", &StepEntry::load, load_value(), "Writes the rows into a table.",
                  "{table: hits, mode: merge}");
  record.optional("download", &StepEntry::download, download_value(),
                  "Fetches a URL into a bucket.",
                  "{url: https://example.org/x.csv, to: landing/x.csv}");
  record.optional("notify", &StepEntry::notify, notify_value(), "Tells a URL how the run ended.",
                  "{url: https://example.org/hook, on: [failure]}");
  std::vector<std::string> kinds = {"read",  "select", "where", "unnest",   "dedupe", "aggregate",
                                    "check", "sql",    "load",  "download", "notify"};
  for (const LaterKind& kind : later_kinds) {
    record.later(kind.name, &StepEntry::later, later_value("settings of the step"), kind.doc,
                 kind.example, "a run of the pipeline refuses");
    kinds.emplace_back(kind.name);
  }
  return record.one_of(std::move(kinds)).then(check_step).value();
}

}  // namespace

Value<PipelineEntry> pipeline_value() {
  return Record<PipelineEntry>("pipeline",
                               "Triggers and steps; ends in a load or a download, and notices.")
      .optional("when", &PipelineEntry::when, list(trigger_value()),
                "What starts a run. Left out: only `weir run` and the API do.",
                "[{object: landing/*.json}]")
      .required(
          "steps", &PipelineEntry::steps, list(step_value()),
          "What a run does, in order: `read` or `sql`, then `select`, `where`, `unnest`, `dedupe`, "
          "`aggregate` and `check` as often as needed, then `load`. Or `download`, alone. Last, "
          "`notify`.",
          "[{read: {format: csv}}, {load: {table: hits}}]")
      .optional("retry", &PipelineEntry::retry, retry_value(),
                "How often and when a run is tried again that failed for a reason that may pass: "
                "disk, network, a lock. Any other failure parks it at once.",
                "{times: 5, backoff: 2s}")
      .optional("concurrency", &PipelineEntry::concurrency, integer_value(1, 64),
                "Most batches of its runs at work at a time. More than 1 only where it makes no "
                "difference which of two inputs is loaded first.",
                "2")
      .optional("priority", &PipelineEntry::priority, integer_value(-1000, 1000),
                "Runs of a higher number go first.", "10")
      .value();
}

}  // namespace weir::config
