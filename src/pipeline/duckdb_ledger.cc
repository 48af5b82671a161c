#include "pipeline/duckdb_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/fault_point.h"
#include "pipeline/stored_receipt.h"

namespace weir::pipeline {
namespace {

using duckdb::Parameter;

/// Of a key that was loaded a thousand times one row is read, not a thousand.
constexpr const char* latest_sql =
    "SELECT pipeline, step, bucket, key, version, size_bytes, run_id, load_id, attempt "
    "FROM weir_loads WHERE load_id > {0} AND load_id IN (SELECT max(load_id) FROM weir_loads "
    "WHERE load_id > {0} AND replay_of IS NULL AND key_hash IN ({1}) "
    "GROUP BY pipeline, bucket, key)";

/// Loads that are looked through before all are: what is loaded again mostly was not long ago. One
/// of DuckDB's row groups.
constexpr int64_t recent_loads = 122'880;

/// Of one key, as a condition on weir_rejects with the parameters from $1 on.
constexpr const char* of_key_sql =
    "pipeline = $1 AND bucket IS NOT DISTINCT FROM $2 AND key IS NOT DISTINCT FROM $3 "
    "AND run_id <> $4 AND resolution IS NULL";

/// How many reject ids are taken from the sequence at first, and at most, at a time.
constexpr size_t least_ids = 1, most_ids = 2048;

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
/// From the columns pipeline, step, bucket, key.
LedgerKey key_of(const duckdb::Rows& rows, size_t row) {
  LedgerKey key{PipelineName(rows.text(row, 0)), static_cast<int>(rows.int64(row, 1)), {}};
  if (!rows.is_null(row, 2)) {
    key.object = ObjectRef{BucketName(rows.text(row, 2)), ObjectKey(rows.text(row, 3))};
  }
  return key;
}
Parameter text_or_null(const std::string& text) {
  return text.empty() ? Parameter() : Parameter(text);
}

/// In the order of the table's columns.
std::vector<Parameter> load_values(int64_t load_id, const NewLoad& load) {
  const Receipt& receipt = *load.receipt;
  WEIR_CHECK(!receipt.error, "the ledger keeps what was committed");
  const std::optional<std::string> rejects = stored_rejects(receipt);
  std::vector<Parameter> values = {load_id,
                                   load.key.hash(),
                                   load.key.pipeline.value(),
                                   int64_t{load.key.step},
                                   bucket_of(load.key),
                                   object_key_of(load.key),
                                   load.version.value(),
                                   load.attempt,
                                   static_cast<int64_t>(load.size_bytes),
                                   receipt.run.value(),
                                   load.table.value(),
                                   std::string(to_string(receipt.status))};
  for (const CountColumn& column : count_columns) {
    if (column.count == &RowCounts::deduplicated) {
      values.emplace_back(static_cast<int64_t>(receipt.rows.loaded()));
    }
    values.emplace_back(static_cast<int64_t>(receipt.rows.*column.count));
  }
  values.insert(values.end(), {receipt.duration_ms, rejects ? Parameter(*rejects) : Parameter(),
                               duckdb::TimestampValue{micros(load.committed_at)},
                               load.replay_of ? Parameter(load.replay_of->value()) : Parameter()});
  return values;
}

}  // namespace

Result<std::vector<std::optional<LedgerEntry>>> DuckdbLedger::latest(
    std::span<const LedgerKey> keys) {
  std::vector<std::optional<LedgerEntry>> found(keys.size());
  if (keys.empty() || fault_enabled("ledger-off")) return found;  // the simulation's canary
  std::vector<size_t> places(keys.size());
  std::iota(places.begin(), places.end(), size_t{0});
  if (newest_seen_ > recent_loads) {
    WEIR_TRY(find_latest(keys, places, newest_seen_ - recent_loads, found));
    std::erase_if(places, [&](size_t place) { return found[place].has_value(); });
  }
  if (!places.empty()) WEIR_TRY(find_latest(keys, places, 0, found));
  return found;
}

/// Of the keys at `places`, the latest of the loads after `after`: what is found there is the
/// latest of all, for ids only grow.
Result<void> DuckdbLedger::find_latest(std::span<const LedgerKey> keys,
                                       std::span<const size_t> places, int64_t after,
                                       std::vector<std::optional<LedgerEntry>>& found) {
  std::vector<Parameter> hashes;
  for (const size_t place : places) {
    hashes.emplace_back(keys[place].hash());
    hashes.emplace_back(keys[place].former_hash());
  }
  // Planned anew each time: a kept plan would go by the statistics of an emptier table.
  const duckdb::Rows rows = WEIR_TRY(
      connection_->run(fmt::format(latest_sql, after, placeholders(1, hashes.size())), hashes));
  for (size_t row = 0; row < rows.size(); ++row) {
    const LedgerKey key = key_of(rows, row);
    const auto at = std::ranges::find_if(places, [&](size_t place) { return keys[place] == key; });
    if (at == places.end()) continue;  // another key of the same hash
    const int64_t load_id = rows.int64(row, 7);
    found[*at] =
        LedgerEntry{ObjectVersion(rows.text(row, 4)), static_cast<uint64_t>(rows.int64(row, 5)),
                    RunId(rows.text(row, 6)), load_id, rows.int64(row, 8)};
    newest_seen_ = std::max(newest_seen_, load_id);
  }
  return {};
}

Result<std::optional<Receipt>> DuckdbLedger::receipt(const std::string& where,
                                                     std::span<const Parameter> parameters) {
  std::string columns;
  for (const std::string_view column : receipt_columns) columns += fmt::format("{}, ", column);
  for (const CountColumn& column : count_columns) columns += fmt::format("{}, ", column.name);
  columns.resize(columns.size() - 2);
  const duckdb::Rows rows = WEIR_TRY(connection_->run(
      fmt::format("SELECT {} FROM weir_loads WHERE {} ORDER BY load_id DESC LIMIT 1", columns,
                  where),
      parameters));
  if (rows.size() == 0) return std::nullopt;
  std::vector<std::optional<std::string>> cells(rows.column_count());
  for (size_t at = 0; at < cells.size(); ++at) {
    if (!rows.is_null(0, at)) cells[at] = rows.text(0, at);
  }
  return stored_receipt(cells);
}

Result<Receipt> DuckdbLedger::receipt_of(const LedgerEntry& entry) {
  const Parameter id = entry.load_id;
  auto found = WEIR_TRY(receipt("load_id = $1", {&id, 1}));
  if (found) return *std::move(found);
  return fail(ErrorCode::internal, "a load has gone from the ledger");
}

Result<std::optional<Receipt>> DuckdbLedger::receipt_of(const LedgerKey& key,
                                                        const ObjectVersion& version) {
  if (fault_enabled("ledger-off")) return std::nullopt;
  const Parameter values[] = {key.hash(),      key.former_hash(), key.pipeline.value(),
                              version.value(), bucket_of(key),    object_key_of(key)};
  return receipt(
      "key_hash IN ($1, $2) AND pipeline = $3 AND version = $4 AND bucket IS NOT DISTINCT "
      "FROM $5 AND key IS NOT DISTINCT FROM $6 AND replay_of IS NULL",
      values);
}

Result<std::optional<Receipt>> DuckdbLedger::receipt_of_replay(const RunId& replay) {
  const Parameter id = replay.value();
  return receipt("run_id = $1 AND replay_of IS NOT NULL", {&id, 1});
}

/// Appended: an INSERT with parameters is planned anew for each batch that holds other NULLs. The
/// ids are taken now, for they must grow with every commit that may be of the same key.
Result<void> DuckdbLedger::write_loads(std::span<const NewLoad> loads) {
  if (loads.empty() || fault_enabled("ledger-off")) return {};
  const duckdb::Rows ids = WEIR_TRY(connection_->run(fmt::format(
      "SELECT nextval('weir_load_ids') AS id FROM range({}) ORDER BY id", loads.size())));
  const auto appender = WEIR_TRY(connection_->appender("", "", "weir_loads"));
  for (size_t i = 0; i < loads.size(); ++i) {
    WEIR_TRY(appender->row(load_values(ids.int64(i, 0), loads[i])));
  }
  newest_seen_ = std::max(newest_seen_, ids.int64(loads.size() - 1, 0));
  return appender->close();
}

Result<void> DuckdbLedger::begin_rejects() {
  rejects_ = WEIR_TRY(connection_->appender("", "", "weir_rejects"));
  return {};
}

/// The appender knows no sequences, so that the ids are fetched for it, several at a time.
Result<int64_t> DuckdbLedger::next_reject_id() {
  if (reject_ids_.empty()) {
    reject_ids_taken_ = std::clamp(reject_ids_taken_ * 4, least_ids, most_ids);
    const duckdb::Rows rows = WEIR_TRY(connection_->run(
        fmt::format("SELECT nextval('weir_reject_ids') FROM range({})", reject_ids_taken_)));
    for (size_t row = 0; row < rows.size(); ++row) reject_ids_.push_back(rows.int64(row, 0));
    std::sort(reject_ids_.begin(), reject_ids_.end(), std::greater<>());
  }
  const int64_t id = reject_ids_.back();
  reject_ids_.pop_back();
  return id;
}

Result<void> DuckdbLedger::write_reject(const RejectOrigin& origin, const Reject& reject) {
  const Problem& first = reject.problems.front();
  const int64_t id = WEIR_TRY(next_reject_id());
  const Parameter values[] = {
      origin.run.value(),
      origin.key.pipeline.value(),
      origin.table.value(),
      bucket_of(origin.key),
      object_key_of(origin.key),
      origin.version.value(),
      static_cast<int64_t>(reject.element),
      reject.line == 0 ? Parameter() : Parameter(static_cast<int64_t>(reject.line)),
      static_cast<int64_t>(reject.byte_begin),
      static_cast<int64_t>(reject.byte_end),
      text_or_null(first.field),
      first.rule,
      text_or_null(first.value),
      text_or_null(first.message),
      problems_json(reject.problems),
      reject.raw,
      duckdb::TimestampValue{micros(origin.at)},
      id,
      int64_t{origin.key.step},
      origin.dictionary_version,
      text_or_null(reject.produced),
      reject.produced.empty() ? Parameter() : Parameter(int64_t{reject.entry_step}),
      text_or_null(origin.header),
      Parameter(),  // mended
      Parameter(),  // resolved_at
      Parameter(),  // resolved_by
      Parameter(),  // resolution
      origin.rolled_back};
  return rejects_->row(values);
}

/// The keys that stopped runs left rejects of: mostly none, which is why they are asked for first.
Result<std::vector<LedgerKey>> DuckdbLedger::rolled_back_keys() {
  const duckdb::Rows rows =
      WEIR_TRY(connection_->run("SELECT DISTINCT pipeline, step, bucket, key FROM weir_rejects "
                                "WHERE rolled_back AND resolution IS NULL"));
  std::vector<LedgerKey> keys;
  for (size_t row = 0; row < rows.size(); ++row) keys.push_back(key_of(rows, row));
  return keys;
}

/// Which versions of what is loaded again have left rejects that nobody has resolved.
Result<std::set<std::string>> DuckdbLedger::rejected_versions(std::span<const NewLoad> loads) {
  std::vector<Parameter> again;
  for (const NewLoad& load : loads) {
    if (load.attempt > 1) again.emplace_back(load.version.value());
  }
  std::set<std::string> versions;
  if (again.empty()) return versions;
  const duckdb::Rows rows = WEIR_TRY(connection_->run(
      fmt::format("SELECT DISTINCT version FROM weir_rejects WHERE resolution IS NULL AND version "
                  "IN ({})",
                  placeholders(1, again.size())),
      again));
  for (size_t row = 0; row < rows.size(); ++row) versions.insert(rows.text(row, 0));
  return versions;
}

Result<void> DuckdbLedger::supersede(std::span<const NewLoad> loads) {
  const std::vector<LedgerKey> rolled_back = WEIR_TRY(rolled_back_keys());
  const std::set<std::string> rejected = WEIR_TRY(rejected_versions(loads));
  for (const NewLoad& load : loads) {
    const bool stopped_before =
        std::find(rolled_back.begin(), rolled_back.end(), load.key) != rolled_back.end();
    if (!stopped_before && !rejected.contains(load.version.value())) continue;
    const Parameter values[] = {
        load.key.pipeline.value(), bucket_of(load.key),
        object_key_of(load.key),   load.receipt->run.value(),
        load.version.value(),      duckdb::TimestampValue{micros(load.committed_at)}};
    WEIR_TRY(connection_->run(
        fmt::format("UPDATE weir_rejects SET resolution = 'superseded', resolved_by = $4, "
                    "resolved_at = $6 WHERE {} AND (rolled_back OR version = $5)",
                    of_key_sql),
        values));
  }
  return {};
}

Result<void> DuckdbLedger::supersede_rolled_back(const RejectOrigin& origin) {
  const Parameter values[] = {
      origin.key.pipeline.value(), bucket_of(origin.key),
      object_key_of(origin.key),   origin.run.value(),
      origin.version.value(),      duckdb::TimestampValue{micros(origin.at)}};
  WEIR_TRY(connection_->run(
      fmt::format("UPDATE weir_rejects SET resolution = 'superseded', resolved_by = $4, "
                  "resolved_at = $6 WHERE {} AND rolled_back AND version = $5",
                  of_key_sql),
      values));
  // The same run tried again, because the process died before it could say so.
  const Parameter run = origin.run.value();
  WEIR_TRY(
      connection_->run("DELETE FROM weir_rejects WHERE run_id = $1 AND rolled_back", {&run, 1}));
  return {};
}

Result<void> DuckdbLedger::end_rejects() {
  WEIR_TRY(rejects_->close());
  rejects_.reset();
  return {};
}

}  // namespace weir::pipeline
