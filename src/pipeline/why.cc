#include "pipeline/why.h"

#include <fmt/format.h>

#include <algorithm>

#include "duckdb/connection.h"
#include "model/project_lookup.h"
#include "pipeline/conversion.h"
#include "pipeline/quarantine.h"
#include "pipeline/row_query.h"
#include "pipeline/table_load.h"
#include "text/content_version.h"
#include "text/record_locator.h"

namespace weir::pipeline {
namespace {

using duckdb::Parameter;
using duckdb::quote_identifier;

/// More rows than this have one key only by mistake, and more loads are no answer.
constexpr size_t most_origins = 20;

constexpr const char* loads_sql =
    "SELECT run_id, pipeline, bucket, key, version, "
    "strftime(committed_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') FROM weir_loads "
    "WHERE table_name = $1 AND replay_of IS NULL";

struct KeyValue {
  const Column* column = nullptr;
  std::string text;
};

/// "column=value" of a column the table has.
std::optional<KeyValue> named_value(const Table& table, const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos) return std::nullopt;
  const Column* column = table.find_column(word.substr(0, equals));
  if (column == nullptr) return std::nullopt;
  return KeyValue{column, word.substr(equals + 1)};
}

Result<std::vector<KeyValue>> read_key(const Table& table, const std::vector<std::string>& words) {
  std::vector<KeyValue> named, values;
  for (const std::string& word : words) {
    if (const auto value = named_value(table, word)) named.push_back(*value);
  }
  if (named.size() == words.size()) return named;
  if (table.key.empty()) {
    return fail(ErrorCode::usage, "table '" + table.name.value() + "' has no key",
                "name the row by columns: COLUMN=VALUE …", table.location);
  }
  if (words.size() != table.key.size()) {
    return fail(ErrorCode::usage,
                fmt::format("the key of table '{}' has {} columns and {} values are given",
                            table.name.value(), table.key.size(), words.size()),
                fmt::format("give {}", fmt::join(table.key, " ")));
  }
  for (size_t i = 0; i < words.size(); ++i) {
    values.push_back({table.find_column(table.key[i]), words[i]});
  }
  return values;
}

class Trace {
 public:
  Trace(const Project& project, Resources& resources, const Table& table)
      : project_(project), resources_(resources), table_(table) {}

  Result<RowHistory> run(const std::vector<KeyValue>& key);

 private:
  Result<std::string> condition(const std::vector<KeyValue>& key);
  Result<bool> has_lineage();
  Result<RowOrigin> origin(const std::string& run, uint64_t element);
  Result<void> add_replay(RowOrigin& origin);
  void add_record(RowOrigin& origin);
  Result<void> add_latest_loads(RowHistory& history);
  static RowOrigin load_of(const duckdb::Rows& rows, size_t row);

  const Project& project_;
  Resources& resources_;
  const Table& table_;
  Databases::Pointer database_;
  std::unique_ptr<duckdb::Connection> connection_;
  std::vector<Parameter> values_;  // of the key
};

/// Each value in the one spelling its type has.
Result<std::string> Trace::condition(const std::vector<KeyValue>& key) {
  duckdb::Database& database = *database_;
  std::string all;
  for (size_t i = 0; i < key.size(); ++i) {
    const auto& [column, text] = key[i];
    const std::string given = fmt::format("CAST(${} AS VARCHAR)", i + 1);
    const Conversion conversion = WEIR_TRY(convert(database, given, "VARCHAR", column->type));
    const Parameter value = text;
    const std::string one =
        WEIR_TRY(convert(database, "CAST($1 AS VARCHAR)", "VARCHAR", column->type)).sql;
    const auto converted = WEIR_TRY(connection_->run("SELECT " + one + " IS NULL", {&value, 1}));
    if (converted.int64(0, 0) != 0) {
      return fail(ErrorCode::usage, fmt::format("'{}' is no {}, which column '{}' is", text,
                                                column->type.to_string(), column->name));
    }
    values_.push_back(value);
    all += fmt::format("{}{} = {}", all.empty() ? "" : " AND ", quote_identifier(column->name),
                       conversion.sql);
  }
  return all;
}

/// The project may say so while the table was made before it did.
Result<bool> Trace::has_lineage() {
  const auto columns = WEIR_TRY(connection_->describe("SELECT * FROM " + target_name(table_)));
  return std::any_of(columns.begin(), columns.end(),
                     [](const auto& column) { return column.name == "weir_element"; });
}

RowOrigin Trace::load_of(const duckdb::Rows& rows, size_t row) {
  RowOrigin origin;
  origin.run = rows.text(row, 0);
  origin.pipeline = rows.text(row, 1);
  if (!rows.is_null(row, 2)) origin.object = rows.text(row, 2) + "/" + rows.text(row, 3);
  origin.version = rows.text(row, 4);
  origin.loaded_at = rows.text(row, 5);
  return origin;
}

Result<void> Trace::add_replay(RowOrigin& origin) {
  const Parameter values[] = {origin.run, static_cast<int64_t>(*origin.element)};
  const auto rows = WEIR_TRY(connection_->run(
      "SELECT field, message, mended, resolved_by FROM weir_rejects "
      "WHERE run_id = $1 AND element = $2 AND resolution = 'replayed' ORDER BY reject_id DESC "
      "LIMIT 1",
      values));
  if (rows.size() == 0) return {};
  origin.problem = problem_text({{rows.text(0, 0), "", "", rows.text(0, 1)}});
  origin.mended = rows.text(0, 2);
  origin.replayed_by = rows.text(0, 3);
  return {};
}

/// The record itself, as long as the object has the version it was loaded in.
void Trace::add_record(RowOrigin& origin) {
  const size_t slash = origin.object.find('/');
  const Pipeline* pipeline = project_.find_pipeline(PipelineName(origin.pipeline));
  const auto bucket = resources_.buckets.find(BucketName(origin.object.substr(0, slash)));
  if (pipeline == nullptr || bucket == resources_.buckets.end()) {
    origin.note =
        "its pipeline or its bucket is gone from the project, so that the record cannot "
        "be shown";
    return;
  }
  const auto found = [&]() -> Result<text::FoundRecord> {
    const PipelineParts parts = WEIR_TRY(take_apart(project_, *pipeline));
    const ObjectKey key(origin.object.substr(slash + 1));
    const auto stream = WEIR_TRY(bucket->second->open(key));
    if (WEIR_TRY(text::content_version(*stream)).value() != origin.version) {
      return fail(ErrorCode::input_changed, "it has another version now");
    }
    if (parts.read == nullptr) return fail(ErrorCode::not_found, "its pipeline reads none now");
    text::RecordOptions options = text::record_options(*parts.read, key.value());
    options.columns = parts.source_columns.size();
    const auto again = WEIR_TRY(bucket->second->open(key));
    return text::find_record(*again, options, *origin.element);
  }();
  if (!found) {
    origin.note = "the record cannot be shown: " + origin.object + ": " + found.error().message;
    return;
  }
  origin.line = found->line;
  origin.raw = found->raw;
}

Result<RowOrigin> Trace::origin(const std::string& run, uint64_t element) {
  const Parameter values[] = {table_.name.value(), run};
  const auto rows = WEIR_TRY(connection_->run(
      std::string(loads_sql) + " AND run_id = $2 ORDER BY load_id DESC LIMIT 1", values));
  RowOrigin origin;
  if (rows.size() > 0) origin = load_of(rows, 0);
  origin.run = run;
  origin.element = element;
  if (rows.size() == 0) {
    origin.note = "the ledger knows no load of this run into the table";
    return origin;
  }
  WEIR_TRY(add_replay(origin));
  if (origin.object.empty()) {
    origin.note = "the row came from a query: the number is that of the query's row";
  } else {
    add_record(origin);
  }
  return origin;
}

Result<void> Trace::add_latest_loads(RowHistory& history) {
  const Parameter table = table_.name.value();
  const auto rows = WEIR_TRY(
      connection_->run(std::string(loads_sql) + fmt::format(" AND rows_loaded > 0 ORDER BY load_id "
                                                            "DESC LIMIT {}",
                                                            most_origins),
                       {&table, 1}));
  for (size_t row = 0; row < rows.size(); ++row) history.origins.push_back(load_of(rows, row));
  return {};
}

Result<RowHistory> Trace::run(const std::vector<KeyValue>& key) {
  database_ = WEIR_TRY(resources_.databases->open_with_tables(table_.database));
  connection_ = WEIR_TRY(database_->connect());
  RowHistory history;
  history.lineage = WEIR_TRY(has_lineage());
  const std::string where = WEIR_TRY(condition(key));
  const auto rows =
      WEIR_TRY(connection_->run(fmt::format("SELECT {} FROM {} WHERE {} LIMIT {}",
                                            history.lineage ? "weir_run, weir_element" : "1",
                                            target_name(table_), where, most_origins),
                                values_));
  if (rows.size() == 0) {
    return fail(ErrorCode::not_found, "table '" + table_.name.value() + "' has no such row",
                "it may wait among the rejects: `weir rejects --all`");
  }
  if (!history.lineage) {
    WEIR_TRY(add_latest_loads(history));
    return history;
  }
  for (size_t row = 0; row < rows.size(); ++row) {
    if (rows.is_null(row, 0)) {
      RowOrigin& unknown = history.origins.emplace_back();
      unknown.note = "the row was there before the table kept lineage";
      continue;
    }
    history.origins.push_back(
        WEIR_TRY(origin(rows.text(row, 0), static_cast<uint64_t>(rows.int64(row, 1)))));
  }
  return history;
}

}  // namespace

Result<RowHistory> trace_row(const Project& project, Resources& resources, const std::string& table,
                             const std::vector<std::string>& key) {
  const Table& found = *WEIR_TRY(named_table(project, table));
  const auto values = WEIR_TRY(read_key(found, key));
  return Trace(project, resources, found).run(values);
}

}  // namespace weir::pipeline
