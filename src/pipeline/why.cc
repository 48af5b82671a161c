#include "pipeline/why.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/project_lookup.h"
#include "pipeline/conversion.h"
#include "pipeline/quarantine.h"
#include "pipeline/row_query.h"
#include "pipeline/target_sql.h"
#include "text/content_version.h"
#include "text/record_locator.h"

namespace weir::pipeline {
namespace {

/// More rows than this have one key only by mistake, and more loads are no answer.
constexpr size_t most_origins = 20;

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

std::string text_sql(const std::string& text) {
  return "CAST(" + duckdb::quote_literal(text) + " AS VARCHAR)";
}

class Trace {
 public:
  Trace(const Project& project, Resources& resources, const Table& table)
      : project_(project), resources_(resources), table_(table) {}

  Result<RowHistory> run(const std::vector<KeyValue>& key);

 private:
  Result<void> check_value(const KeyValue& value);
  Result<std::string> key_row(const std::vector<KeyValue>& key);
  Result<bool> has_lineage();
  std::string loads_sql() const;
  Result<RowOrigin> origin(const std::string& run, uint64_t element);
  Result<void> add_replay(RowOrigin& origin);
  void add_record(RowOrigin& origin);
  Result<void> add_latest_loads(RowHistory& history);
  static RowOrigin load_of(const server::Rows& rows, size_t row);

  const Project& project_;
  Resources& resources_;
  const Table& table_;
  Target target_;
};

Result<void> Trace::check_value(const KeyValue& value) {
  const DataType& type = value.column->type;
  const Conversion conversion =
      WEIR_TRY(convert(*target_.database, text_sql(value.text), "VARCHAR", type));
  const auto converted = WEIR_TRY(target_.connection->run("SELECT " + conversion.sql + " IS NULL"));
  if (converted.int64(0, 0) == 0) return {};
  return fail(ErrorCode::usage, fmt::format("'{}' is no {}, which column '{}' is", value.text,
                                            type.to_string(), value.column->name));
}

/// SQL of one row, called u, that has the values each in the one spelling its type has; and that
/// the table's row, called t, is the one with them.
Result<std::string> Trace::key_row(const std::vector<KeyValue>& key) {
  std::vector<Column> columns;
  std::string values, like, equal;
  for (size_t i = 0; i < key.size(); ++i) {
    WEIR_TRY(check_value(key[i]));
    const auto& [column, text] = key[i];
    Column& lent = columns.emplace_back(*column);
    lent.name = fmt::format("value_{}", i);  // a column may be given twice
    const std::string separator = i == 0 ? "" : ", ";
    values += fmt::format(
        "{}{} AS {}", separator,
        WEIR_TRY(convert(*target_.database, text_sql(text), "VARCHAR", column->type)).sql,
        lent.name);
    const std::string name = target_.sql->identifier(column->name);
    like += fmt::format("{}{} AS {}", separator, name, lent.name);
    equal += fmt::format("{}t.{} = u.{}", i == 0 ? "" : " AND ", name, lent.name);
  }
  const std::string rows = WEIR_TRY(
      target_.sql->lend("weir_wanted", "SELECT " + values, columns,
                        fmt::format("SELECT {} FROM {}", like, target_.sql->table(table_))));
  return fmt::format("{} u ON {}", rows, equal);
}

/// The project may say so while the table was made before it did.
Result<bool> Trace::has_lineage() {
  const server::Rows none =
      WEIR_TRY(target_.sql->run("SELECT * FROM " + target_.sql->table(table_) + " LIMIT 0"));
  return std::ranges::find(none.columns, "weir_element") != none.columns.end();
}

/// The loads into the table; load_of() reads its columns.
std::string Trace::loads_sql() const {
  return fmt::format(
      "SELECT run_id, pipeline, bucket, {}, version, {} FROM weir_loads "
      "WHERE table_name = {} AND replay_of IS NULL",
      target_.sql->identifier("key"), target_.sql->moment_text("committed_at"),
      target_.sql->literal(table_.name.value()));
}

RowOrigin Trace::load_of(const server::Rows& rows, size_t row) {
  RowOrigin origin;
  origin.run = rows.text(row, 0);
  origin.pipeline = rows.text(row, 1);
  if (rows.rows[row][2]) origin.object = rows.text(row, 2) + "/" + rows.text(row, 3);
  origin.version = rows.text(row, 4);
  origin.loaded_at = rows.text(row, 5);
  return origin;
}

Result<void> Trace::add_replay(RowOrigin& origin) {
  const server::Rows rows = WEIR_TRY(target_.sql->run(fmt::format(
      "SELECT field, message, mended, resolved_by FROM weir_rejects "
      "WHERE run_id = {} AND element = {} AND resolution = 'replayed' ORDER BY reject_id DESC "
      "LIMIT 1",
      target_.sql->literal(origin.run), *origin.element)));
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
  const server::Rows rows = WEIR_TRY(target_.sql->run(fmt::format(
      "{} AND run_id = {} ORDER BY load_id DESC LIMIT 1", loads_sql(), target_.sql->literal(run))));
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
  const server::Rows rows = WEIR_TRY(target_.sql->run(fmt::format(
      "{} AND rows_loaded > 0 ORDER BY load_id DESC LIMIT {}", loads_sql(), most_origins)));
  for (size_t row = 0; row < rows.size(); ++row) history.origins.push_back(load_of(rows, row));
  return {};
}

Result<RowHistory> Trace::run(const std::vector<KeyValue>& key) {
  target_ = WEIR_TRY(open_target(*resources_.databases, table_.database));
  if (!target_.server) WEIR_TRY(resources_.databases->open_with_tables(table_.database));
  if (target_.server) WEIR_TRY(target_.server->begin());  // what is lent to it ends with it
  RowHistory history;
  history.lineage = WEIR_TRY(has_lineage());
  const server::Rows rows = WEIR_TRY(target_.sql->run(fmt::format(
      "SELECT {} FROM {} t JOIN {} LIMIT {}", history.lineage ? "t.weir_run, t.weir_element" : "1",
      target_.sql->table(table_), WEIR_TRY(key_row(key)), most_origins)));
  if (rows.size() == 0) {
    return fail(ErrorCode::not_found, "table '" + table_.name.value() + "' has no such row",
                "it may wait among the rejects: `weir rejects --all`");
  }
  if (!history.lineage) {
    WEIR_TRY(add_latest_loads(history));
    return history;
  }
  for (size_t row = 0; row < rows.size(); ++row) {
    if (!rows.rows[row][0]) {
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
