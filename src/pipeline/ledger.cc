#include "pipeline/ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fault_point.h"
#include "text/json.h"

namespace weir::pipeline {
namespace {

using duckdb::Parameter;

constexpr const char* create_sql = R"sql(
CREATE SEQUENCE IF NOT EXISTS weir_load_ids;
CREATE TABLE IF NOT EXISTS weir_loads (
  load_id BIGINT NOT NULL DEFAULT nextval('weir_load_ids'),
  key_hash BIGINT NOT NULL,
  pipeline VARCHAR NOT NULL,
  step INTEGER NOT NULL,
  bucket VARCHAR,
  key VARCHAR,
  version VARCHAR NOT NULL,
  attempt BIGINT NOT NULL,
  size_bytes BIGINT NOT NULL,
  run_id VARCHAR NOT NULL,
  table_name VARCHAR NOT NULL,
  status VARCHAR NOT NULL,
  rows_read BIGINT NOT NULL,
  rows_loaded BIGINT NOT NULL,
  rows_rejected BIGINT NOT NULL,
  committed_at TIMESTAMPTZ NOT NULL,
  receipt VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS weir_rejects (
  run_id VARCHAR NOT NULL,
  pipeline VARCHAR NOT NULL,
  table_name VARCHAR NOT NULL,
  bucket VARCHAR,
  key VARCHAR,
  version VARCHAR NOT NULL,
  element BIGINT NOT NULL,
  line BIGINT,
  byte_begin BIGINT NOT NULL,
  byte_end BIGINT NOT NULL,
  field VARCHAR,
  rule VARCHAR NOT NULL,
  value VARCHAR,
  message VARCHAR,
  problems VARCHAR NOT NULL,
  raw VARCHAR,
  rejected_at TIMESTAMPTZ NOT NULL)
)sql";

constexpr const char* insert_sql =
    "INSERT INTO weir_loads (key_hash, pipeline, step, bucket, key, version, attempt, size_bytes, "
    "run_id, table_name, status, rows_read, rows_loaded, rows_rejected, committed_at, receipt) "
    "VALUES ";
constexpr size_t insert_columns = 16;

constexpr const char* latest_sql =
    "SELECT pipeline, step, bucket, key, version, size_bytes, attempt, run_id, load_id "
    "FROM weir_loads WHERE key_hash IN (";

/// "$1, $2, …": `count` of them, from `first`.
std::string placeholders(size_t first, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += fmt::format("{}${}", i == 0 ? "" : ", ", first + i);
  return text;
}

int64_t micros(Timestamp time) { return time.time_since_epoch().count(); }

Parameter bucket_of(const LedgerKey& key) {
  return key.object ? Parameter(key.object->bucket.value()) : Parameter();
}
Parameter object_key_of(const LedgerKey& key) {
  return key.object ? Parameter(key.object->key.value()) : Parameter();
}
Parameter text_or_null(const std::string& text) {
  return text.empty() ? Parameter() : Parameter(text);
}

std::string problems_json(const Reject& reject) {
  text::Json problems = text::Json::array();
  for (const Problem& problem : reject.problems) {
    text::Json one = text::Json::object();
    one.set("field", problem.field).set("rule", problem.rule);
    one.set("value", problem.value).set("message", problem.message);
    problems.push(std::move(one));
  }
  return problems.to_string();
}

}  // namespace

int64_t LedgerKey::hash() const {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  const auto mix = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    hash = (hash ^ 0xFF) * 1099511628211u;  // no text holds 0xFF: a separator
  };
  mix(pipeline.value());
  mix(std::to_string(step));
  if (object) {
    mix(object->bucket.value());
    mix(object->key.value());
  }
  return static_cast<int64_t>(hash);
}

Result<void> Ledger::create_tables(duckdb::Connection& connection) {
  WEIR_TRY(connection.run(create_sql));
  return {};
}

Result<duckdb::Statement*> Ledger::prepared(Statements& statements, size_t count,
                                            std::string (*sql)(size_t)) {
  auto& statement = statements[count];
  if (statement == nullptr) statement = WEIR_TRY(connection_->prepare(sql(count)));
  return statement.get();
}

Result<std::vector<std::optional<LedgerEntry>>> Ledger::latest(std::span<const LedgerKey> keys) {
  std::vector<std::optional<LedgerEntry>> found(keys.size());
  if (keys.empty() || fault_enabled("ledger-off")) return found;  // the simulation's canary
  std::vector<Parameter> hashes;
  for (const LedgerKey& key : keys) hashes.emplace_back(key.hash());
  // Planned anew each time: a kept plan would go by the statistics of an emptier table.
  const duckdb::Rows rows = WEIR_TRY(connection_->run(
      latest_sql + placeholders(1, keys.size()) + ") ORDER BY load_id DESC", hashes));
  for (size_t row = 0; row < rows.size(); ++row) {
    LedgerKey key{PipelineName(rows.text(row, 0)), static_cast<int>(rows.int64(row, 1)), {}};
    if (!rows.is_null(row, 2)) {
      key.object = ObjectRef{BucketName(rows.text(row, 2)), ObjectKey(rows.text(row, 3))};
    }
    const auto at = std::find(keys.begin(), keys.end(), key);
    if (at == keys.end()) continue;  // another key of the same hash
    auto& entry = found[static_cast<size_t>(at - keys.begin())];
    const ObjectVersion version(rows.text(row, 4));
    if (!entry) {
      entry = LedgerEntry{version,
                          static_cast<uint64_t>(rows.int64(row, 5)),
                          RunId(rows.text(row, 7)),
                          rows.int64(row, 8),
                          {}};
    }
    ++entry->attempts[version];
  }
  return found;
}

int64_t LedgerEntry::next_attempt(const ObjectVersion& wanted) const {
  const auto at = attempts.find(wanted);
  return at == attempts.end() ? 1 : at->second + 1;
}

Result<std::string> Ledger::receipt_of(const LedgerEntry& entry) {
  const Parameter id = entry.load_id;
  const duckdb::Rows rows =
      WEIR_TRY(connection_->run("SELECT receipt FROM weir_loads WHERE load_id = $1", {&id, 1}));
  if (rows.size() != 1) return fail(ErrorCode::internal, "a load has gone from the ledger");
  return rows.text(0, 0);
}

Result<std::optional<std::string>> Ledger::receipt_of(const LedgerKey& key,
                                                      const ObjectVersion& version) {
  if (fault_enabled("ledger-off")) return std::nullopt;
  const Parameter values[] = {key.hash(),      key.pipeline.value(), int64_t{key.step},
                              version.value(), bucket_of(key),       object_key_of(key)};
  const duckdb::Rows rows = WEIR_TRY(connection_->run(
      "SELECT receipt FROM weir_loads WHERE key_hash = $1 AND pipeline = $2 AND step = $3 AND "
      "version = $4 AND bucket IS NOT DISTINCT FROM $5 AND key IS NOT DISTINCT FROM $6 "
      "ORDER BY load_id DESC LIMIT 1",
      values));
  if (rows.size() == 0) return std::nullopt;
  return rows.text(0, 0);
}

Result<void> Ledger::write_loads(std::span<const NewLoad> loads) {
  if (loads.empty() || fault_enabled("ledger-off")) return {};
  auto* statement = WEIR_TRY(prepared(insert_, loads.size(), [](size_t count) {
    std::string sql = insert_sql;
    for (size_t i = 0; i < count; ++i) {
      sql += (i == 0 ? "(" : ", (") + placeholders(1 + i * insert_columns, insert_columns) + ")";
    }
    return sql;
  }));
  std::vector<Parameter> values;
  for (const NewLoad& load : loads) {
    const RowCounts& rows = load.receipt->rows;
    values.insert(
        values.end(),
        {load.key.hash(), load.key.pipeline.value(), int64_t{load.key.step}, bucket_of(load.key),
         object_key_of(load.key), load.version.value(), load.attempt,
         static_cast<int64_t>(load.size_bytes), load.receipt->run.value(), load.table.value(),
         std::string(to_string(load.receipt->status)), static_cast<int64_t>(rows.read),
         static_cast<int64_t>(rows.loaded()), static_cast<int64_t>(rows.rejected),
         duckdb::TimestampValue{micros(load.committed_at)}, load.receipt_json});
  }
  WEIR_TRY(statement->run(values));
  return {};
}

Result<void> Ledger::begin_rejects() {
  rejects_ = WEIR_TRY(connection_->appender("", "", "weir_rejects"));
  return {};
}

Result<void> Ledger::write_reject(const NewReject& entry) {
  const Reject& reject = *entry.reject;
  const Problem& first = reject.problems.front();
  const Parameter values[] = {
      entry.run.value(),
      entry.key->pipeline.value(),
      entry.table.value(),
      bucket_of(*entry.key),
      object_key_of(*entry.key),
      entry.version->value(),
      static_cast<int64_t>(reject.element),
      reject.line == 0 ? Parameter() : Parameter(static_cast<int64_t>(reject.line)),
      static_cast<int64_t>(reject.byte_begin),
      static_cast<int64_t>(reject.byte_end),
      text_or_null(first.field),
      first.rule,
      text_or_null(first.value),
      text_or_null(first.message),
      problems_json(reject),
      reject.raw,
      duckdb::TimestampValue{micros(entry.at)}};
  return rejects_->row(values);
}

Result<void> Ledger::end_rejects() {
  WEIR_TRY(rejects_->close());
  rejects_.reset();
  return {};
}

}  // namespace weir::pipeline
