#include "pipeline/server_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/fault_point.h"
#include "crypto/digest.h"
#include "pipeline/cell_batch.h"
#include "pipeline/stored_receipt.h"

namespace weir::pipeline {
namespace {

using server::Cell;

/// Rows of one INSERT: enough that round trips do not count, few enough for every server's limits.
constexpr size_t rows_at_once = 256;
/// Rejects that are gathered; from so many on they are sent as a bulk load.
constexpr size_t rejects_at_once = 8192;
constexpr size_t rejects_in_bulk = 1024;

struct LedgerColumn {
  std::string_view name;
  std::string_view postgres;
  std::string_view mysql;
};

// MySQL: names compare byte by byte, as everywhere in weir, and keys are as long as S3's.
constexpr LedgerColumn load_columns[] = {
    {"load_id", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
     "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"},
    {"load_key", "TEXT UNIQUE", "CHAR(64) UNIQUE"},
    {"key_hash", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"pipeline", "TEXT NOT NULL", "VARCHAR(255) NOT NULL"},
    {"step", "INTEGER NOT NULL", "INTEGER NOT NULL"},
    {"bucket", "TEXT", "VARCHAR(255)"},
    {"key", "TEXT", "VARCHAR(1024)"},
    {"version", "TEXT NOT NULL", "VARCHAR(1024) NOT NULL"},
    {"attempt", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"size_bytes", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"run_id", "TEXT NOT NULL", "VARCHAR(64) NOT NULL"},
    {"table_name", "TEXT NOT NULL", "VARCHAR(255) NOT NULL"},
    {"status", "TEXT NOT NULL", "VARCHAR(32) NOT NULL"},
    {"rows_read", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"rows_expanded", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"rows_folded", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"rows_inserted", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"rows_updated", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"rows_unchanged", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"rows_loaded", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"rows_deduplicated", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"rows_filtered", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"rows_rejected", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"rows_replaced", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"duration_ms", "DOUBLE PRECISION NOT NULL", "DOUBLE NOT NULL"},
    {"rejects", "TEXT", "LONGTEXT"},
    {"committed_at", "TIMESTAMPTZ NOT NULL", "DATETIME(6) NOT NULL"},
    {"replay_of", "TEXT", "VARCHAR(64)"},
};

constexpr LedgerColumn reject_columns[] = {
    {"reject_id", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
     "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"},
    {"run_id", "TEXT NOT NULL", "VARCHAR(64) NOT NULL"},
    {"pipeline", "TEXT NOT NULL", "VARCHAR(255) NOT NULL"},
    {"step", "INTEGER NOT NULL", "INTEGER NOT NULL"},
    {"table_name", "TEXT NOT NULL", "VARCHAR(255) NOT NULL"},
    {"bucket", "TEXT", "VARCHAR(255)"},
    {"key", "TEXT", "VARCHAR(1024)"},
    {"version", "TEXT NOT NULL", "VARCHAR(1024) NOT NULL"},
    {"element", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"line", "BIGINT", "BIGINT"},
    {"byte_begin", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"byte_end", "BIGINT NOT NULL", "BIGINT NOT NULL"},
    {"field", "TEXT", "TEXT"},
    {"rule", "TEXT NOT NULL", "TEXT NOT NULL"},
    {"value", "TEXT", "TEXT"},
    {"message", "TEXT", "TEXT"},
    {"problems", "TEXT NOT NULL", "LONGTEXT NOT NULL"},
    {"raw", "TEXT", "LONGTEXT"},
    {"rejected_at", "TIMESTAMPTZ NOT NULL", "DATETIME(6) NOT NULL"},
    {"dictionary_version", "TEXT", "VARCHAR(255)"},
    {"produced", "TEXT", "LONGTEXT"},
    {"entry_step", "INTEGER", "INTEGER"},
    {"header", "TEXT", "LONGTEXT"},
    {"mended", "TEXT", "LONGTEXT"},
    {"resolved_at", "TIMESTAMPTZ", "DATETIME(6)"},
    {"resolved_by", "TEXT", "VARCHAR(64)"},
    {"resolution", "TEXT", "VARCHAR(32)"},
    {"rolled_back", "BOOLEAN NOT NULL", "BOOLEAN NOT NULL"},
};

/// In the order in which write_loads gives the values; those of count_columns follow.
constexpr std::string_view written_load_columns[] = {
    "load_key",    "key_hash",    "pipeline",   "step",         "bucket",     "key",
    "version",     "attempt",     "size_bytes", "run_id",       "table_name", "status",
    "rows_loaded", "duration_ms", "rejects",    "committed_at", "replay_of",
};
/// In the order in which write_reject gives the values.
constexpr std::string_view written_reject_columns[] = {
    "run_id",
    "pipeline",
    "step",
    "table_name",
    "bucket",
    "key",
    "version",
    "element",
    "line",
    "byte_begin",
    "byte_end",
    "field",
    "rule",
    "value",
    "message",
    "problems",
    "raw",
    "rejected_at",
    "dictionary_version",
    "produced",
    "entry_step",
    "header",
    "rolled_back",
};

/// Of a column of weir_rejects, as its cells spell it.
DataType reject_type(std::string_view name, const ServerDialect& dialect) {
  const auto at = std::ranges::find(reject_columns, name, &LedgerColumn::name);
  DataType type = parse_data_type(at->postgres.substr(0, at->postgres.find(' '))).value();
  if (type.kind == TypeKind::timestamptz) type.kind = dialect.moment_kind();
  return type;
}

template <size_t count>
std::string create_table(const server::Connection& connection, Engine engine,
                         std::string_view table, const LedgerColumn (&columns)[count],
                         std::string_view indexes) {
  std::string list;
  for (const LedgerColumn& column : columns) {
    list +=
        fmt::format("{}{} {}", list.empty() ? "" : ", ", connection.quote_identifier(column.name),
                    engine == Engine::mysql ? column.mysql : column.postgres);
  }
  return fmt::format("CREATE TABLE IF NOT EXISTS {} ({}{}){}", table, list,
                     engine == Engine::mysql ? indexes : "",
                     ServerDialect::of(engine, connection)->table_options());
}

Cell text_or_null(const std::string& text) { return text.empty() ? Cell() : Cell(text); }
Cell bucket_of(const LedgerKey& key) {
  return key.object ? Cell(key.object->bucket.value()) : Cell();
}
Cell object_key_of(const LedgerKey& key) {
  return key.object ? Cell(key.object->key.value()) : Cell();
}

/// An input's loads follow one another, and each follows one alone: of two owners that began at the
/// same entry, with the same version or with another, one commits and the other asks again. A run
/// without an object is told by its version, which is its own. Of a replay there may be many.
Cell load_key(const NewLoad& load) {
  if (load.replay_of) return std::nullopt;
  std::string text;
  const auto add = [&](const std::string& part) {
    text += fmt::format("{}:{}", part.size(), part);
  };
  add(load.key.pipeline.value());
  add(load.key.object ? load.key.object->bucket.value() : "");
  add(load.key.object ? load.key.object->key.value() : "");
  add(load.key.object ? "" : load.version.value());
  add(std::to_string(load.follows));
  return crypto::to_hex(crypto::sha256(text));
}

std::string placeholders(size_t first, size_t count) {
  std::string list;
  for (size_t i = 0; i < count; ++i) list += fmt::format("{}${}", i == 0 ? "" : ", ", first + i);
  return list;
}

}  // namespace

std::vector<std::string> server_ledger_ddl(const server::Connection& connection, Engine engine) {
  std::vector<std::string> ddl = {
      create_table(connection, engine, "weir_loads", load_columns,
                   ", INDEX weir_loads_key (key_hash), INDEX weir_loads_run (run_id)"),
      create_table(connection, engine, "weir_rejects", reject_columns,
                   ", INDEX weir_rejects_run (run_id), INDEX weir_rejects_open (resolution)")};
  if (engine == Engine::mysql) return ddl;
  for (const char* index :
       {"CREATE INDEX IF NOT EXISTS weir_loads_key ON weir_loads (key_hash)",
        "CREATE INDEX IF NOT EXISTS weir_loads_run ON weir_loads (run_id)",
        "CREATE INDEX IF NOT EXISTS weir_rejects_run ON weir_rejects (run_id)",
        "CREATE INDEX IF NOT EXISTS weir_rejects_open ON weir_rejects (pipeline) WHERE resolution "
        "IS NULL"}) {
    ddl.emplace_back(index);
  }
  return ddl;
}

Result<bool> has_server_ledger(server::Connection& connection, Engine engine) {
  const auto rows = WEIR_TRY(connection.run(
      fmt::format("SELECT count(*) FROM information_schema.tables WHERE table_schema = {} AND "
                  "table_name IN ('weir_loads', 'weir_rejects')",
                  engine == Engine::mysql ? "database()" : "current_schema()")));
  return rows.int64(0, 0) == 2;
}

Result<void> create_server_ledger(server::Connection& connection, Engine engine) {
  // Making one that is there asks for rights that nobody needs otherwise.
  if (WEIR_TRY(has_server_ledger(connection, engine))) return {};
  const auto ddl = server_ledger_ddl(connection, engine);
  const auto run_all = [&]() -> Result<void> {
    for (const std::string& statement : ddl) WEIR_TRY(connection.run(statement));
    return {};
  };
  if (engine == Engine::mysql) return run_all();
  // IF NOT EXISTS does not keep two sessions from making one table at once: the lock does.
  WEIR_TRY(connection.begin());
  const auto make = [&]() -> Result<void> {
    WEIR_TRY(connection.run("SELECT pg_advisory_xact_lock(8602113421701)"));
    WEIR_TRY(run_all());
    return connection.commit();
  };
  auto made = make();
  if (!made) connection.rollback();
  return made;
}

std::string ServerLedger::null_safe(std::string_view column, std::string_view parameter) const {
  return dialect_->same(connection_.quote_identifier(column), parameter);
}

Result<std::vector<std::optional<LedgerEntry>>> ServerLedger::latest(
    std::span<const LedgerKey> keys) {
  std::vector<std::optional<LedgerEntry>> found(keys.size());
  if (keys.empty() || fault_enabled("ledger-off")) return found;  // the simulation's canary
  std::vector<Cell> hashes;
  for (const LedgerKey& key : keys) {
    hashes.emplace_back(std::to_string(key.hash()));
    hashes.emplace_back(std::to_string(key.former_hash()));
  }
  const auto quoted = connection_.quote_identifier("key");
  const auto result = WEIR_TRY(connection_.run(
      fmt::format("SELECT pipeline, step, bucket, {0}, version, size_bytes, run_id, load_id, "
                  "attempt FROM weir_loads WHERE load_id IN (SELECT max(load_id) FROM weir_loads "
                  "WHERE replay_of IS NULL AND key_hash IN ({1}) "
                  "GROUP BY pipeline, bucket, {0})",
                  quoted, placeholders(1, hashes.size())),
      hashes));
  for (size_t row = 0; row < result.size(); ++row) {
    LedgerKey key{PipelineName(result.text(row, 0)), static_cast<int>(result.int64(row, 1)), {}};
    if (result.rows[row][2]) {
      key.object = ObjectRef{BucketName(result.text(row, 2)), ObjectKey(result.text(row, 3))};
    }
    const auto at = std::find(keys.begin(), keys.end(), key);
    if (at == keys.end()) continue;  // another key of the same hash
    found[static_cast<size_t>(at - keys.begin())] =
        LedgerEntry{ObjectVersion(result.text(row, 4)), static_cast<uint64_t>(result.int64(row, 5)),
                    RunId(result.text(row, 6)), result.int64(row, 7), result.int64(row, 8)};
  }
  return found;
}

Result<std::optional<Receipt>> ServerLedger::receipt(const std::string& where,
                                                     std::span<const Cell> parameters) {
  std::string columns;
  for (const std::string_view column : receipt_columns) {
    columns += connection_.quote_identifier(column) + ", ";
  }
  for (const CountColumn& column : count_columns) columns += fmt::format("{}, ", column.name);
  columns.resize(columns.size() - 2);
  const auto rows = WEIR_TRY(connection_.run(
      fmt::format("SELECT {} FROM weir_loads WHERE {} ORDER BY load_id DESC LIMIT 1", columns,
                  where),
      parameters));
  if (rows.size() == 0) return std::nullopt;
  return stored_receipt(rows.rows[0]);
}

Result<Receipt> ServerLedger::receipt_of(const LedgerEntry& entry) {
  const Cell id = std::to_string(entry.load_id);
  auto found = WEIR_TRY(receipt("load_id = $1", {&id, 1}));
  if (found) return *std::move(found);
  return fail(ErrorCode::internal, "a load has gone from the ledger");
}

Result<std::optional<Receipt>> ServerLedger::receipt_of(const LedgerKey& key,
                                                        const ObjectVersion& version) {
  if (fault_enabled("ledger-off")) return std::nullopt;
  const Cell values[] = {std::to_string(key.hash()),
                         std::to_string(key.former_hash()),
                         key.pipeline.value(),
                         version.value(),
                         bucket_of(key),
                         object_key_of(key)};
  return receipt(
      fmt::format("key_hash IN ($1, $2) AND pipeline = $3 AND version = $4 AND {} AND {} "
                  "AND replay_of IS NULL",
                  null_safe("bucket", "$5"), null_safe("key", "$6")),
      values);
}

Result<std::optional<Receipt>> ServerLedger::receipt_of_replay(const RunId& replay) {
  const Cell id = replay.value();
  return receipt("run_id = $1 AND replay_of IS NOT NULL", {&id, 1});
}

/// `values`: row by row.
Result<void> ServerLedger::insert(std::string_view table, std::span<const std::string_view> columns,
                                  std::vector<Cell> values) {
  std::string names;
  for (const std::string_view column : columns) {
    names += (names.empty() ? "" : ", ") + connection_.quote_identifier(column);
  }
  const size_t rows = values.size() / columns.size();
  for (size_t first = 0; first < rows; first += rows_at_once) {
    const size_t count = std::min(rows_at_once, rows - first);
    std::string tuples;
    for (size_t row = 0; row < count; ++row) {
      tuples += fmt::format("{}({})", row == 0 ? "" : ", ",
                            placeholders(1 + row * columns.size(), columns.size()));
    }
    WEIR_TRY(
        connection_.run(fmt::format("INSERT INTO {} ({}) VALUES {}", table, names, tuples),
                        std::span(values).subspan(first * columns.size(), count * columns.size())));
  }
  return {};
}

Result<void> ServerLedger::write_loads(std::span<const NewLoad> loads) {
  if (loads.empty() || fault_enabled("ledger-off")) return {};
  std::vector<std::string_view> columns(std::begin(written_load_columns),
                                        std::end(written_load_columns));
  for (const CountColumn& column : count_columns) columns.push_back(column.name);
  std::vector<Cell> values;
  for (const NewLoad& load : loads) {
    const Receipt& receipt = *load.receipt;
    WEIR_CHECK(!receipt.error, "the ledger keeps what was committed");
    values.insert(
        values.end(),
        {load_key(load), std::to_string(load.key.hash()), load.key.pipeline.value(),
         std::to_string(load.key.step), bucket_of(load.key), object_key_of(load.key),
         load.version.value(), std::to_string(load.attempt), std::to_string(load.size_bytes),
         receipt.run.value(), load.table.value(), std::string(to_string(receipt.status)),
         std::to_string(receipt.rows.loaded()), fmt::format("{}", receipt.duration_ms),
         stored_rejects(receipt), dialect_->moment(load.committed_at),
         load.replay_of ? Cell(load.replay_of->value()) : Cell()});
    for (const CountColumn& column : count_columns) {
      values.emplace_back(std::to_string(receipt.rows.*column.count));
    }
  }
  auto inserted = insert("weir_loads", columns, std::move(values));
  if (inserted || !connection_.refusal().by_row) return inserted;
  return fail(ErrorCode::busy, "another weir has loaded one of these inputs meanwhile",
              "it is asked for again, and found to be in");
}

Result<void> ServerLedger::begin_rejects() {
  rejects_.clear();
  return {};
}

Result<void> ServerLedger::write_reject(const RejectOrigin& origin, const Reject& reject) {
  const Problem& first = reject.problems.front();
  rejects_.insert(rejects_.end(),
                  {origin.run.value(),
                   origin.key.pipeline.value(),
                   std::to_string(origin.key.step),
                   origin.table.value(),
                   bucket_of(origin.key),
                   object_key_of(origin.key),
                   origin.version.value(),
                   std::to_string(reject.element),
                   reject.line == 0 ? Cell() : Cell(std::to_string(reject.line)),
                   std::to_string(reject.byte_begin),
                   std::to_string(reject.byte_end),
                   text_or_null(first.field),
                   first.rule,
                   text_or_null(dialect_->storable(first.value)),
                   text_or_null(dialect_->storable(first.message)),
                   problems_json(reject.problems),
                   dialect_->storable(reject.raw),
                   dialect_->moment(origin.at),
                   origin.dictionary_version,
                   text_or_null(reject.produced),
                   reject.produced.empty() ? Cell() : Cell(std::to_string(reject.entry_step)),
                   text_or_null(origin.header),
                   std::string(origin.rolled_back ? "1" : "0")});
  if (rejects_.size() < rejects_at_once * std::size(written_reject_columns)) return {};
  return end_rejects();
}

Result<void> ServerLedger::end_rejects() {
  std::vector<Cell> rejects = std::exchange(rejects_, {});
  if (rejects.size() < rejects_in_bulk * std::size(written_reject_columns)) {
    return insert("weir_rejects", written_reject_columns, std::move(rejects));
  }
  server::BulkTarget target{"", "weir_rejects", {}};
  std::vector<DataType> types;
  for (const std::string_view name : written_reject_columns) {
    types.push_back(reject_type(name, *dialect_));
    target.columns.push_back({std::string(name), types.back()});
  }
  const CellBatch batch(types, rejects);
  const auto bulk = WEIR_TRY(connection_.bulk_load(target));
  WEIR_TRY(bulk->append(batch.batch()));
  WEIR_TRY(bulk->finish());
  return {};
}

std::string ServerLedger::of_key() const {
  return fmt::format("pipeline = $1 AND {} AND {} AND run_id <> $4 AND resolution IS NULL",
                     null_safe("bucket", "$2"), null_safe("key", "$3"));
}

std::vector<Cell> ServerLedger::supersede_parameters(const LedgerKey& key, const RunId& run) const {
  return {key.pipeline.value(), bucket_of(key), object_key_of(key), run.value()};
}

Result<void> ServerLedger::supersede(std::span<const NewLoad> loads) {
  const auto rows =
      WEIR_TRY(connection_.run("SELECT DISTINCT pipeline FROM weir_rejects WHERE rolled_back AND "
                               "resolution IS NULL"));
  for (const NewLoad& load : loads) {
    const auto stopped_before = [&](const std::vector<Cell>& row) {
      return row[0] == load.key.pipeline.value();
    };
    if (load.attempt == 1 && std::ranges::none_of(rows.rows, stopped_before)) continue;
    std::vector<Cell> values = supersede_parameters(load.key, load.receipt->run);
    values.emplace_back(load.version.value());
    values.emplace_back(dialect_->moment(load.committed_at));
    WEIR_TRY(connection_.run(
        fmt::format("UPDATE weir_rejects SET resolution = 'superseded', resolved_by = $4, "
                    "resolved_at = $6 WHERE {} AND (rolled_back OR version = $5)",
                    of_key()),
        values));
  }
  return {};
}

Result<void> ServerLedger::supersede_rolled_back(const RejectOrigin& origin) {
  std::vector<Cell> values = supersede_parameters(origin.key, origin.run);
  values.emplace_back(origin.version.value());
  values.emplace_back(dialect_->moment(origin.at));
  WEIR_TRY(connection_.run(
      fmt::format("UPDATE weir_rejects SET resolution = 'superseded', resolved_by = $4, "
                  "resolved_at = $6 WHERE {} AND rolled_back AND version = $5",
                  of_key()),
      values));
  // The same run tried again, because the process died before it could say so.
  const Cell run = origin.run.value();
  WEIR_TRY(
      connection_.run("DELETE FROM weir_rejects WHERE run_id = $1 AND rolled_back", {&run, 1}));
  return {};
}

}  // namespace weir::pipeline
