#include "runlog/run_log_schema.h"

#include <iterator>

namespace weir::runlog {
namespace {

struct Migration {
  const char* name;
  const char* statements;
};

// Only ever appended to: what was released once stays as it was. `state` holds the values of
// RunState; no object is bucket '' and key ''.
constexpr Migration migrations[] = {
    {"queue, history and the watcher's memory", R"sql(
CREATE TABLE pipelines (
  pipeline_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  served INTEGER NOT NULL DEFAULT 0      -- grows with every lease: the least was served longest ago
) STRICT;
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  pipeline_id INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  object_key TEXT NOT NULL,
  trigger_kind TEXT NOT NULL,
  force INTEGER NOT NULL,
  state INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  scheduled_us INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  started_us INTEGER,
  finished_us INTEGER,
  error TEXT NOT NULL
) STRICT;
CREATE INDEX runs_queued ON runs (pipeline_id, priority DESC, created_us) WHERE state = 0;
CREATE INDEX runs_queued_object ON runs (pipeline_id, bucket, object_key) WHERE state = 0;
CREATE INDEX runs_running ON runs (pipeline_id, bucket, object_key) WHERE state = 1;
CREATE INDEX runs_by_object ON runs (bucket, object_key);
CREATE INDEX runs_by_pipeline ON runs (pipeline_id);
CREATE INDEX runs_by_pipeline_state ON runs (pipeline_id, state);
CREATE INDEX runs_by_state ON runs (state);
CREATE TABLE receipts (number INTEGER PRIMARY KEY, receipt TEXT NOT NULL) STRICT;
CREATE TABLE log_lines (
  number INTEGER NOT NULL,
  line INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  level TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (number, line)
) STRICT, WITHOUT ROWID;
CREATE TABLE state_counts (state INTEGER PRIMARY KEY, runs INTEGER NOT NULL) STRICT;
INSERT INTO state_counts VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0);
CREATE TABLE known_objects (
  pipeline_id INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  object_key TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  PRIMARY KEY (pipeline_id, bucket, object_key)
) STRICT, WITHOUT ROWID;
)sql"},
};

Result<int64_t> current_version(SqliteConnection& connection) {
  Query query = WEIR_TRY(connection.query("SELECT coalesce(max(version), 0) FROM migrations"));
  WEIR_TRY(query.next());
  return query.integer(0);
}

}  // namespace

int64_t schema_version() { return std::ssize(migrations); }

Result<void> migrate_schema(SqliteConnection& connection, Timestamp now) {
  WEIR_TRY(connection.execute(
      "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
      "applied_us INTEGER NOT NULL) STRICT"));
  if (WEIR_TRY(current_version(connection)) > schema_version()) {
    return fail(ErrorCode::invalid_input, "the run log was written by a newer weir",
                "use that version, or move the run log away");
  }
  for (int64_t version = 1; version <= schema_version(); ++version) {
    const Migration& migration = migrations[version - 1];
    const auto migrated = connection.transact(Durability::power_cut, [&]() -> Result<void> {
      // Read inside the write lock: another process may have migrated since.
      if (WEIR_TRY(current_version(connection)) >= version) return {};
      WEIR_TRY(connection.execute(migration.statements));
      return connection.run("INSERT INTO migrations VALUES (?, ?, ?)", version,
                            std::string_view(migration.name), now.time_since_epoch().count());
    });
    if (!migrated) return migrated;
  }
  return {};
}

}  // namespace weir::runlog
