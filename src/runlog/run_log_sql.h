#pragma once

namespace weir::runlog::sql {

// The statements whose cost must not grow with the queue or the history; a test asks SQLite for
// their plans. States are spelled as literals where a partial index is to be used; INDEXED BY where
// the planner, which has no statistics, would rather take a wider index and walk the whole queue.

inline constexpr char find_pipeline[] = "SELECT pipeline_id FROM pipelines WHERE name = ?";
inline constexpr char add_pipeline[] = "INSERT INTO pipelines (name) VALUES (?)";
inline constexpr char pipelines_by_service[] =
    "SELECT pipeline_id, name FROM pipelines ORDER BY served, pipeline_id";
inline constexpr char mark_served[] =
    "UPDATE pipelines SET served = (SELECT max(served) + 1 FROM pipelines) WHERE pipeline_id = ?";

inline constexpr char find_queued_twin[] =
    "SELECT number, id, priority FROM runs INDEXED BY runs_queued_object "
    "WHERE state = 0 AND pipeline_id = ? AND bucket = ? AND object_key = ? AND force = ? "
    "AND trigger_kind <> 'replay'";
inline constexpr char raise_priority[] = "UPDATE runs SET priority = ? WHERE number = ?";
inline constexpr char insert_run[] =
    "INSERT INTO runs (id, pipeline_id, bucket, object_key, trigger_kind, force, state, tries, "
    "priority, scheduled_us, created_us, error) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, '')";

#define WEIR_LEASED_COLUMNS                                                                \
  "r.number, r.id, r.bucket, r.object_key, r.trigger_kind, r.force, r.tries, r.priority, " \
  "r.scheduled_us, r.created_us"
#define WEIR_NOT_BEING_RUN                                                                        \
  "NOT EXISTS (SELECT 1 FROM runs a INDEXED BY runs_running WHERE a.state = 1 AND a.pipeline_id " \
  "= r.pipeline_id "                                                                              \
  "AND a.bucket = r.bucket AND a.object_key = r.object_key)"

inline constexpr char leasable_of_pipeline[] =
    "SELECT " WEIR_LEASED_COLUMNS
    " FROM runs r INDEXED BY runs_queued WHERE r.state = 0 AND r.pipeline_id = ? "
    "AND " WEIR_NOT_BEING_RUN " ORDER BY r.priority DESC, r.created_us, r.number";
inline constexpr char leasable_by_id[] = "SELECT " WEIR_LEASED_COLUMNS
                                         ", p.name, p.served, r.pipeline_id "
                                         "FROM runs r JOIN pipelines p USING (pipeline_id) "
                                         "WHERE r.id = ? AND r.state = 0 AND " WEIR_NOT_BEING_RUN;

#undef WEIR_LEASED_COLUMNS
#undef WEIR_NOT_BEING_RUN

inline constexpr char lease_run[] =
    "UPDATE runs SET state = 1, tries = tries + 1, started_us = ? WHERE number = ?";
inline constexpr char find_unfinished[] =
    "SELECT number, state FROM runs WHERE id = ? AND state < 2";
inline constexpr char finish_run[] =
    "UPDATE runs SET state = ?, finished_us = ?, error = ? WHERE number = ?";
inline constexpr char insert_receipt[] = "INSERT OR REPLACE INTO receipts VALUES (?, ?)";
inline constexpr char requeue_run[] = "UPDATE runs SET state = 0 WHERE id = ? AND state = 1";
inline constexpr char recover_runs[] = "UPDATE runs SET state = 0 WHERE state = 1";
inline constexpr char adjust_count[] = "UPDATE state_counts SET runs = runs + ? WHERE state = ?";
inline constexpr char count_state[] = "SELECT runs FROM state_counts WHERE state = ?";

inline constexpr char select_runs[] =
    "SELECT r.id, p.name, r.bucket, r.object_key, r.trigger_kind, r.force, r.state, r.tries, "
    "r.priority, r.scheduled_us, r.created_us, r.started_us, r.finished_us, r.error, c.receipt "
    "FROM runs r JOIN pipelines p USING (pipeline_id) LEFT JOIN receipts c USING (number)";
inline constexpr char newest_first[] = " ORDER BY r.number DESC LIMIT ?";
inline constexpr char where_id[] = " WHERE r.id = ?";
inline constexpr char where_pipeline[] = "r.pipeline_id = ?";
inline constexpr char where_state[] = "r.state = ?";
// With an object given its own index is the narrowest: the others are ruled out by the plus sign.
inline constexpr char where_pipeline_of_object[] = "+r.pipeline_id = ?";
inline constexpr char where_state_of_object[] = "+r.state = ?";
inline constexpr char where_object[] = "r.bucket = ? AND r.object_key = ?";

inline constexpr char insert_log_line[] =
    "INSERT INTO log_lines SELECT number, (SELECT coalesce(max(line), 0) + 1 FROM log_lines l "
    "WHERE l.number = r.number), ?, ?, ? FROM runs r WHERE id = ?";
inline constexpr char select_log_lines[] =
    "SELECT time_us, level, message FROM log_lines "
    "WHERE number = (SELECT number FROM runs WHERE id = ?) ORDER BY line";

inline constexpr char remember_object[] =
    "INSERT OR REPLACE INTO known_objects VALUES (?, ?, ?, ?, ?, ?, ?)";
inline constexpr char forget_object[] =
    "DELETE FROM known_objects WHERE pipeline_id = ? AND bucket = ? AND object_key = ?";
inline constexpr char known_after[] =
    "SELECT object_key, size_bytes, mtime_ns, ctime_ns, inode FROM known_objects "
    "WHERE pipeline_id = ? AND bucket = ? AND object_key > ? ORDER BY object_key LIMIT ?";
inline constexpr char last_failed[] =
    "SELECT DISTINCT bucket, object_key FROM runs r "
    "WHERE r.pipeline_id = ?1 AND r.state = 4 AND bucket <> '' AND trigger_kind <> 'replay' "
    "AND NOT EXISTS ("
    "SELECT 1 FROM runs n WHERE n.bucket = r.bucket AND n.object_key = r.object_key "
    "AND n.number > r.number AND +n.pipeline_id = r.pipeline_id AND n.trigger_kind <> 'replay')";

}  // namespace weir::runlog::sql
