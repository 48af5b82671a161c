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
    {"a queue that does not walk, schedules, notices, downloads", R"sql(
ALTER TABLE runs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;  -- 1: its object is being run
ALTER TABLE runs ADD COLUMN not_before_us INTEGER;               -- held back until then, ...
ALTER TABLE runs ADD COLUMN held_us INTEGER;                     -- ... since then
-- A failed object waited for a person until a later run of it ended otherwise; now it is parked.
UPDATE runs SET state = 6 WHERE state = 4 AND bucket <> '' AND trigger_kind <> 'replay'
  AND NOT EXISTS (
    SELECT 1 FROM runs n WHERE n.bucket = runs.bucket AND n.object_key = runs.object_key
    AND n.number > runs.number AND +n.pipeline_id = runs.pipeline_id
    AND n.trigger_kind <> 'replay');
UPDATE state_counts SET runs = (SELECT count(*) FROM runs r WHERE r.state = state_counts.state)
  WHERE state IN (4, 6);
UPDATE runs SET blocked = 1 WHERE state = 0 AND bucket <> '' AND EXISTS (
  SELECT 1 FROM runs a INDEXED BY runs_running WHERE a.state = 1
  AND a.pipeline_id = runs.pipeline_id AND a.bucket = runs.bucket
  AND a.object_key = runs.object_key);
DROP INDEX runs_queued;
DROP INDEX runs_by_object;
DROP INDEX runs_by_pipeline;
DROP INDEX runs_by_pipeline_state;
DROP INDEX runs_by_state;
-- What may be leased, runs with and without an object apart.
CREATE INDEX runs_ready ON runs (pipeline_id, (bucket = ''), priority DESC, created_us)
  WHERE state = 0 AND blocked = 0 AND not_before_us IS NULL;
CREATE INDEX runs_held ON runs (not_before_us) WHERE state = 0 AND not_before_us IS NOT NULL;
CREATE INDEX runs_held_since ON runs (held_us) WHERE state = 0 AND not_before_us IS NOT NULL;
CREATE INDEX runs_parked ON runs (pipeline_id, bucket, object_key, scheduled_us) WHERE state = 6;
CREATE INDEX runs_finished ON runs (finished_us) WHERE state IN (2, 3, 4, 5);
CREATE INDEX runs_by_time ON runs (created_us);
CREATE INDEX runs_by_object ON runs (bucket, object_key, created_us) WHERE bucket <> '';
CREATE INDEX runs_by_pipeline ON runs (pipeline_id, created_us);
CREATE INDEX runs_by_pipeline_state ON runs (pipeline_id, state, created_us);
CREATE INDEX runs_by_state ON runs (state, created_us);
ALTER TABLE pipelines ADD COLUMN lane TEXT NOT NULL DEFAULT '';
ALTER TABLE pipelines ADD COLUMN most_without_object INTEGER NOT NULL DEFAULT 1;
ALTER TABLE pipelines ADD COLUMN top INTEGER;  -- highest priority that may be leased; null: none
UPDATE pipelines SET top = (SELECT max(r.priority) FROM runs r
  WHERE r.pipeline_id = pipelines.pipeline_id AND r.state = 0 AND r.blocked = 0
  AND (r.bucket <> '' OR NOT EXISTS (
    SELECT 1 FROM runs a INDEXED BY runs_running
    WHERE a.state = 1 AND a.pipeline_id = r.pipeline_id AND a.bucket = '')));
CREATE INDEX pipelines_ready ON pipelines (lane, top DESC, served) WHERE top IS NOT NULL;
ALTER TABLE log_lines RENAME TO old_log_lines;
CREATE TABLE log_lines (
  line INTEGER PRIMARY KEY AUTOINCREMENT,  -- over all runs, never used again
  number INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  level TEXT NOT NULL,
  message TEXT NOT NULL,
  fields TEXT NOT NULL                     -- a JSON object, or ''
) STRICT;
INSERT INTO log_lines (number, time_us, level, message, fields)
  SELECT number, time_us, level, message, '' FROM old_log_lines ORDER BY number, line;
DROP TABLE old_log_lines;
CREATE INDEX log_lines_by_run ON log_lines (number);
CREATE TABLE schedule_marks (
  pipeline_id INTEGER NOT NULL,
  schedule TEXT NOT NULL,
  through_us INTEGER NOT NULL,
  PRIMARY KEY (pipeline_id, schedule)
) STRICT, WITHOUT ROWID;
CREATE TABLE notices (
  notice INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  number INTEGER NOT NULL,
  step INTEGER NOT NULL,
  body TEXT NOT NULL,
  tries INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  due_us INTEGER NOT NULL,
  held_us INTEGER NOT NULL               -- since when it waits for due_us
) STRICT;
CREATE INDEX notices_due ON notices (due_us);
CREATE INDEX notices_held_since ON notices (held_us);
CREATE INDEX notices_by_run ON notices (number);
CREATE TABLE downloads (
  pipeline_id INTEGER NOT NULL,
  step INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  object_key TEXT NOT NULL,
  url_digest TEXT NOT NULL,
  etag TEXT NOT NULL,
  last_modified TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (pipeline_id, step, bucket, object_key)
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

Result<void> migrate_schema(SqliteConnection& connection, Timestamp now, int64_t to) {
  WEIR_TRY(connection.execute(
      "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
      "applied_us INTEGER NOT NULL) STRICT"));
  if (WEIR_TRY(current_version(connection)) > schema_version()) {
    return fail(ErrorCode::invalid_input, "the run log was written by a newer weir",
                "use that version, or move the run log away");
  }
  for (int64_t version = 1; version <= to; ++version) {
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
