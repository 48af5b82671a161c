#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/location.h"
#include "model/data_type.h"
#include "model/names.h"
#include "model/network_rule.h"
#include "model/retry_policy.h"

namespace weir {

/// SQL as the user wrote it. `location` is its first character when `exact` (a plain or quoted
/// one-line scalar: an offset in `text` is a column in the file), else the line it starts on.
struct SqlText {
  std::string text;
  Location location;
  bool exact = false;
};

/// `object: landing/*.json`. `*` stays in one folder, `**` crosses folders, `?` is one character.
struct ObjectTrigger {
  BucketName bucket;
  std::string pattern;  ///< below the bucket, e.g. "*.json", "in/**/x-*.csv.gz"
  Location location;
};

/// What becomes of fires that nobody was up for.
enum class MissedFires { skip, last, all };

/// `cron: 5 0 * * *`. Checked: the expression parses, and the zone was known when it was loaded.
struct CronTrigger {
  std::string expression;
  std::string timezone;  ///< IANA name; empty = UTC
  MissedFires missed = MissedFires::last;
  Location location = {};
};

using Trigger = std::variant<ObjectTrigger, CronTrigger>;

enum class Format { json, csv, parquet };
enum class JsonLayout { automatic, array, lines };
enum class Compression { automatic, none, gzip, zstd };  ///< automatic: by the key's ending

/// Every dialect choice is explicit; nothing is sniffed.
struct CsvDialect {
  bool header = true;
  char delimiter = ',';
  char quote = '"';            ///< '\0' = no quoting
  char escape = '"';           ///< inside quotes
  std::string null_text = "";  ///< an unquoted field equal to this is NULL
  int skip_lines = 0;          ///< before the header
};

/// Absent, null and empty are three things; what each of them means is said per read and column.
/// `use_default` is the `default` of the table's column the value goes to; NULL when it has none.
enum class AbsentMeans { use_default, null, reject };       ///< no such member; no such CSV column
enum class NullMeans { null, use_default, reject };         ///< JSON null; the CSV null text
enum class EmptyMeans { text, null, use_default, reject };  ///< ""

struct MissingValues {
  AbsentMeans absent = AbsentMeans::use_default;
  NullMeans null = NullMeans::null;
  EmptyMeans empty = EmptyMeans::text;
  /// CSV: the header may lack the column (`absent` was said and is no reject); else it must be
  /// there.
  bool may_lack = false;
  bool operator==(const MissingValues&) const = default;
};

struct ReadColumn {
  std::string name;  ///< the source's own name (JSON member, CSV header)
  DataType type;
  Location location;
  MissingValues missing = {};
};

struct ReadStep {
  Format format = Format::json;
  JsonLayout layout = JsonLayout::automatic;
  CsvDialect csv;
  Compression compression = Compression::automatic;
  uint64_t max_record_bytes = 16u << 20;  ///< a longer record is rejected, not buffered
  std::vector<ReadColumn> columns;        ///< empty: the target table's columns
  MissingValues missing;                  ///< of columns that are the target table's
  Location location;
};

struct SelectItem {
  std::string name;
  SqlText expression;
};
struct SelectStep {
  std::vector<SelectItem> items;
  Location location;
};
struct WhereStep {
  SqlText predicate;
  Location location;
};

/// A column of the rows so far, as a step names it.
struct NamedColumn {
  std::string name;
  Location location;
};

/// One row per element of a list column; the element takes the column's place, or is named `as`.
struct UnnestStep {
  NamedColumn column;
  std::string as;           ///< empty = `column`
  bool keep_empty = false;  ///< a row whose list is empty or NULL stays, with NULL; else: filtered
  Location location;
};

enum class DedupeKeep { first, last, newest, oldest };

/// Of the rows of one input with equal `by` one stays, the others count as deduplicated. first and
/// last go by input order; newest and oldest by `order_by`, ties by input order.
struct DedupeStep {
  std::vector<NamedColumn> by;
  DedupeKeep keep = DedupeKeep::first;
  SqlText order_by;  ///< empty for first and last
  Location location;
};

/// One row per group of an input's rows: the `by` columns, then the items. The others count as
/// folded.
struct AggregateStep {
  std::vector<NamedColumn> by;  ///< empty = one group
  std::vector<SelectItem> items;
  Location location;
};

/// Rules of the pipeline's own: a row for which one is not true is rejected with its name as rule.
struct CheckStep {
  std::vector<SelectItem> rules;  ///< name and predicate; true or NULL for a good row
  Location location;
};

/// Runs inside the database it names; its rows feed the steps behind it.
struct SqlStep {
  SqlText sql;  ///< for the engine of its database
  /// The text for DuckDB, where the step has one per engine: for a DuckDB that stands in.
  std::optional<SqlText> duckdb = {};
  DatabaseName database;
  Location location;
};

enum class LoadMode { append, merge, replace, ignore };
inline constexpr LoadMode all_load_modes[] = {LoadMode::append, LoadMode::merge, LoadMode::replace,
                                              LoadMode::ignore};

struct LoadStep {
  TableName table;
  LoadMode mode = LoadMode::append;
  Location location;
};

/// A header of an HTTP request. The value may hold `${secret:…}`: never print.
struct HeaderSetting {
  std::string name, value;
};

/// Fetches a URL into a bucket. The pipeline's only step but for notices; its input is none, its
/// object what it fetched.
struct DownloadStep {
  std::string url;  ///< may hold `${run.…}` and `${secret:…}`: show it by text::shown_url
  BucketName bucket;
  std::string key;  ///< may hold `${run.…}`
  std::vector<HeaderSetting> headers;
  std::string sha256;                      ///< 64 lowercase hexadecimal digits; empty = not checked
  uint64_t max_size = uint64_t(10) << 30;  ///< of the answer and of the object
  int64_t timeout_ms = 3'600'000;          ///< of one try, from connect to the last byte
  int64_t stall_ms = 60'000;               ///< as long without progress ends a try
  std::vector<NetworkRule> allow;          ///< empty = wherever the project allows
  Location location;
};

/// Of messages to others: about three and a half hours, for whoever is being repaired.
inline constexpr RetryPolicy notice_retry = {12, std::chrono::milliseconds(5'000),
                                             std::chrono::milliseconds(3'600'000)};

/// Tells somebody how a run ended: a message to a URL, at least once. Stands behind all else.
struct NotifyStep {
  std::string url;  ///< may hold `${secret:…}`: show it by text::shown_url
  bool on_success = false, on_failure = false, on_rejects = false;
  uint64_t rejects_over = 0;                 ///< rows: `on_rejects` means more than this
  std::optional<double> rejects_over_ratio;  ///< in place of it: of the rows read, 0..1
  RetryPolicy retry = notice_retry;
  std::string sign;  ///< the key, with `${secret:…}`; empty = not signed
  std::vector<HeaderSetting> headers;
  Location location;
};

/// A step the design knows and this build does not run; validate says so, a run refuses.
struct LaterStep {
  std::string kind;
  Location location;
};

using Step = std::variant<ReadStep, SelectStep, WhereStep, UnnestStep, DedupeStep, AggregateStep,
                          CheckStep, SqlStep, LoadStep, DownloadStep, NotifyStep, LaterStep>;

struct Pipeline {
  PipelineName name;
  std::vector<Trigger> triggers;
  std::vector<Step> steps;
  int priority = 0;
  RetryPolicy retry;
  int concurrency = 1;  ///< most batches of it at work at a time
  Location location;

  /// Of a pipeline that downloads: its only step but for notices. Null for all others.
  const DownloadStep* download() const;
};

/// What tells a pipeline's schedules apart: "5 0 * * * Europe/Madrid".
std::string schedule_name(const CronTrigger& trigger);

std::string_view to_string(LoadMode mode);
std::optional<LoadMode> parse_load_mode(std::string_view text);
std::string_view to_string(Format format);

}  // namespace weir
