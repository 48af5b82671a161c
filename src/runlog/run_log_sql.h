#pragma once

namespace weir::runlog::sql {

// The statements whose cost must not grow with the queue or the history; a test asks SQLite for
// their plans. States are spelled as literals where a partial index is to be used; INDEXED BY where
// the planner, which has no statistics, would rather take a wider index and walk the whole queue.

inline constexpr char find_pipeline[] = "SELECT pipeline_id FROM pipelines WHERE name = ?";
inline constexpr char add_pipeline[] = "INSERT INTO pipelines (name) VALUES (?)";

// What may be leased. pipelines.top is kept by every statement that changes it (QueueChanges).
#define WEIR_READY                                                             \
  "FROM runs r INDEXED BY runs_ready WHERE r.state = 0 AND r.blocked = 0 "     \
  "AND r.not_before_us IS NULL AND r.pipeline_id = ? AND (r.bucket = '') = ? " \
  "ORDER BY r.priority DESC, r.created_us, r.number"
inline constexpr char ready_runs[] =
    "SELECT r.number, r.id, r.bucket, r.object_key, r.trigger_kind, r.force, r.tries, r.failures, "
    "r.priority, r.scheduled_us, r.created_us " WEIR_READY;
inline constexpr char ready_priority[] = "SELECT r.priority " WEIR_READY " LIMIT 1";
#undef WEIR_READY
inline constexpr char running_without_object[] =
    "SELECT number FROM runs INDEXED BY runs_running "
    "WHERE state = 1 AND pipeline_id = ? AND bucket = '' AND object_key = ''";
inline constexpr char most_without_object[] =
    "SELECT most_without_object FROM pipelines WHERE pipeline_id = ?";
inline constexpr char set_top[] =
    "UPDATE pipelines SET top = ?1 WHERE pipeline_id = ?2 AND top IS NOT ?1";
inline constexpr char ready_pipelines[] =
    "SELECT pipeline_id, name, top, served FROM pipelines INDEXED BY pipelines_ready "
    "WHERE top IS NOT NULL AND lane = ? ORDER BY top DESC, served, pipeline_id";
inline constexpr char mark_served[] = "UPDATE pipelines SET served = ? WHERE pipeline_id = ?";
inline constexpr char set_rule[] =
    "UPDATE pipelines SET lane = ?2, most_without_object = ?3 WHERE pipeline_id = ?1 "
    "AND (lane IS NOT ?2 OR most_without_object IS NOT ?3)";

inline constexpr char find_queued_twin[] =
    "SELECT number, id, priority FROM runs INDEXED BY runs_queued_object "
    "WHERE state = 0 AND pipeline_id = ? AND bucket = ? AND object_key = ? AND force = ? "
    "AND trigger_kind <> 'replay'";
inline constexpr char find_running[] =
    "SELECT number FROM runs INDEXED BY runs_running "
    "WHERE state = 1 AND pipeline_id = ? AND bucket = ? AND object_key = ?";
inline constexpr char raise_priority[] = "UPDATE runs SET priority = ? WHERE number = ?";
inline constexpr char insert_run[] =
    "INSERT INTO runs (id, pipeline_id, bucket, object_key, trigger_kind, force, state, tries, "
    "priority, scheduled_us, created_us, error, blocked) "
    "VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, '', ?)";
inline constexpr char lease_run[] =
    "UPDATE runs SET state = 1, tries = tries + 1, started_us = ? WHERE number = ?";
inline constexpr char block_object[] =
    "UPDATE runs INDEXED BY runs_queued_object SET blocked = ? "
    "WHERE state = 0 AND pipeline_id = ? AND bucket = ? AND object_key = ?";

// Runs held back: due, or held since a time that has not come yet (the clock was set back).
inline constexpr char due_runs[] =
    "SELECT number, pipeline_id FROM runs INDEXED BY runs_held "
    "WHERE state = 0 AND not_before_us IS NOT NULL AND not_before_us <= ? "
    "ORDER BY not_before_us LIMIT ?";
inline constexpr char held_after_now[] =
    "SELECT number, pipeline_id FROM runs INDEXED BY runs_held_since "
    "WHERE state = 0 AND not_before_us IS NOT NULL AND held_us > ? ORDER BY held_us LIMIT ?";
inline constexpr char next_due[] =
    "SELECT not_before_us FROM runs INDEXED BY runs_held "
    "WHERE state = 0 AND not_before_us IS NOT NULL ORDER BY not_before_us LIMIT 1";
inline constexpr char release_run[] =
    "UPDATE runs SET not_before_us = NULL, held_us = NULL WHERE number = ?";

inline constexpr char find_queue_row[] =
    "SELECT number, state, pipeline_id, bucket, object_key, trigger_kind, scheduled_us "
    "FROM runs WHERE id = ?";
inline constexpr char running_rows[] =
    "SELECT number, state, pipeline_id, bucket, object_key, trigger_kind, scheduled_us "
    "FROM runs INDEXED BY runs_running WHERE state = 1";
inline constexpr char finish_run[] =
    "UPDATE runs SET state = ?, finished_us = ?, error = ?, blocked = 0, not_before_us = NULL, "
    "held_us = NULL WHERE number = ?";
inline constexpr char insert_receipt[] = "INSERT OR REPLACE INTO receipts VALUES (?, ?)";
inline constexpr char supersede_object[] =
    "UPDATE runs INDEXED BY runs_parked SET state = 4 "
    "WHERE state = 6 AND pipeline_id = ? AND bucket = ? AND object_key = ? AND number <> ?";
inline constexpr char supersede_scheduled[] =
    "UPDATE runs INDEXED BY runs_parked SET state = 4 "
    "WHERE state = 6 AND pipeline_id = ? AND bucket = '' AND object_key = '' AND scheduled_us = ? "
    "AND number <> ?";
inline constexpr char queue_again[] = "UPDATE runs SET state = 0 WHERE number = ?";
inline constexpr char hold_run[] =
    "UPDATE runs SET state = 0, failures = failures + ?, not_before_us = ?, held_us = ? "
    "WHERE number = ?";
inline constexpr char retry_run[] =
    "UPDATE runs SET state = 0, tries = 0, failures = 0, started_us = NULL, finished_us = NULL, "
    "error = '', blocked = ? WHERE number = ?";
inline constexpr char delete_receipt[] = "DELETE FROM receipts WHERE number = ?";
inline constexpr char dismiss_run[] = "UPDATE runs SET state = 4 WHERE number = ?";
inline constexpr char adjust_count[] = "UPDATE state_counts SET runs = runs + ? WHERE state = ?";
inline constexpr char count_state[] = "SELECT runs FROM state_counts WHERE state = ?";

inline constexpr char select_runs[] =
    "SELECT r.id, p.name, r.bucket, r.object_key, r.trigger_kind, r.force, r.state, r.tries, "
    "r.failures, r.priority, r.scheduled_us, r.created_us, r.not_before_us, r.started_us, "
    "r.finished_us, r.error, c.receipt "
    "FROM runs r JOIN pipelines p USING (pipeline_id) LEFT JOIN receipts c USING (number)";
inline constexpr char newest_first[] = " ORDER BY r.created_us DESC, r.number DESC LIMIT ?";
inline constexpr char where_id[] = " WHERE r.id = ?";
inline constexpr char where_pipeline[] = "r.pipeline_id = ?";
inline constexpr char where_state[] = "r.state = ?";
// With an object given its own index is the narrowest: the others are ruled out by the plus sign.
inline constexpr char where_pipeline_of_object[] = "+r.pipeline_id = ?";
inline constexpr char where_state_of_object[] = "+r.state = ?";
inline constexpr char where_object[] = "r.bucket <> '' AND r.bucket = ? AND r.object_key = ?";
inline constexpr char where_since[] = "r.created_us >= ?";
inline constexpr char where_until[] = "r.created_us < ?";

#define WEIR_COUNT_IN_STATE(state)                                  \
  "(SELECT count(*) FROM runs r INDEXED BY runs_by_pipeline_state " \
  "WHERE r.pipeline_id = p.pipeline_id AND r.state = " state ")"
inline constexpr char queue_lengths[] =
    "SELECT p.name, " WEIR_COUNT_IN_STATE("0") ", " WEIR_COUNT_IN_STATE(
        "1") ", " WEIR_COUNT_IN_STATE("6") " FROM pipelines p ORDER BY p.name";
#undef WEIR_COUNT_IN_STATE
inline constexpr char waiting[] =
    "SELECT (SELECT count(*) FROM runs INDEXED BY runs_held "
    "WHERE state = 0 AND not_before_us IS NOT NULL), (SELECT count(*) FROM notices)";

inline constexpr char prunable[] =
    "SELECT r.number, r.state, r.finished_us FROM runs r INDEXED BY runs_finished "
    "WHERE r.state IN (2, 3, 4, 5) "
    "AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.number = r.number) "
    "ORDER BY r.finished_us, r.number LIMIT ?";
inline constexpr char delete_log_lines[] =
    "DELETE FROM log_lines INDEXED BY log_lines_by_run WHERE number = ?";
inline constexpr char delete_run[] = "DELETE FROM runs WHERE number = ?";

inline constexpr char find_number[] = "SELECT number FROM runs WHERE id = ?";
inline constexpr char insert_log_line[] =
    "INSERT INTO log_lines (number, time_us, level, message, fields) VALUES (?, ?, ?, ?, ?)";
#define WEIR_LINE_COLUMNS "SELECT l.line, l.time_us, l.level, l.message, l.fields, r.id "
inline constexpr char log_lines_of_run[] = WEIR_LINE_COLUMNS
    "FROM log_lines l INDEXED BY log_lines_by_run JOIN runs r ON r.number = l.number "
    "WHERE l.number = (SELECT number FROM runs WHERE id = ?) AND l.line > ? "
    "ORDER BY l.line LIMIT ?";
inline constexpr char all_log_lines[] = WEIR_LINE_COLUMNS
    "FROM log_lines l CROSS JOIN runs r ON r.number = l.number WHERE l.line > ? "
    "ORDER BY l.line LIMIT ?";
inline constexpr char newest_log_lines[] = WEIR_LINE_COLUMNS
    "FROM log_lines l CROSS JOIN runs r ON r.number = l.number WHERE l.line > 0 "
    "ORDER BY l.line DESC LIMIT ?";
#undef WEIR_LINE_COLUMNS

inline constexpr char select_marks[] =
    "SELECT p.name, m.schedule, m.through_us FROM schedule_marks m JOIN pipelines p "
    "USING (pipeline_id) ORDER BY p.name, m.schedule";
inline constexpr char set_mark[] = "INSERT OR REPLACE INTO schedule_marks VALUES (?, ?, ?)";
inline constexpr char forget_mark[] =
    "DELETE FROM schedule_marks WHERE pipeline_id = ? AND schedule = ?";

inline constexpr char insert_notice[] =
    "INSERT OR REPLACE INTO notices (id, number, step, body, tries, created_us, due_us, held_us) "
    "VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5, ?5)";
#define WEIR_NOTICE_COLUMNS \
  "SELECT n.id, r.id, p.name, n.step, n.body, n.tries, n.created_us FROM notices n "
#define WEIR_NOTICE_JOINS \
  " CROSS JOIN runs r ON r.number = n.number JOIN pipelines p USING (pipeline_id) "
inline constexpr char due_notices[] = WEIR_NOTICE_COLUMNS
    "INDEXED BY notices_due" WEIR_NOTICE_JOINS "WHERE n.due_us <= ? ORDER BY n.due_us LIMIT ?";
inline constexpr char notices_after_now[] =
    WEIR_NOTICE_COLUMNS "INDEXED BY notices_held_since" WEIR_NOTICE_JOINS
                        "WHERE n.held_us > ?1 AND n.due_us > ?1 ORDER BY n.held_us LIMIT ?2";
#undef WEIR_NOTICE_COLUMNS
#undef WEIR_NOTICE_JOINS
inline constexpr char next_notice_due[] =
    "SELECT due_us FROM notices INDEXED BY notices_due ORDER BY due_us LIMIT 1";
inline constexpr char notice_held_after_now[] =
    "SELECT 1 FROM notices INDEXED BY notices_held_since WHERE held_us > ? LIMIT 1";
inline constexpr char find_notice[] = "SELECT number FROM notices WHERE id = ?";
inline constexpr char hold_notice[] =
    "UPDATE notices SET tries = tries + 1, due_us = ?, held_us = ? WHERE id = ?";
inline constexpr char delete_notice[] = "DELETE FROM notices WHERE id = ?";

inline constexpr char remember_object[] =
    "INSERT OR REPLACE INTO known_objects VALUES (?, ?, ?, ?, ?, ?, ?)";
inline constexpr char forget_object[] =
    "DELETE FROM known_objects WHERE pipeline_id = ? AND bucket = ? AND object_key = ?";
inline constexpr char known_after[] =
    "SELECT object_key, size_bytes, mtime_ns, ctime_ns, inode FROM known_objects "
    "WHERE pipeline_id = ? AND bucket = ? AND object_key > ? ORDER BY object_key LIMIT ?";
inline constexpr char last_failed[] =
    "SELECT r.bucket, r.object_key FROM runs r INDEXED BY runs_parked "
    "WHERE r.state = 6 AND r.pipeline_id = ? AND r.bucket <> '' AND r.trigger_kind <> 'replay' "
    "AND NOT EXISTS ("
    "SELECT 1 FROM runs n INDEXED BY runs_by_object "
    "WHERE n.bucket <> '' AND n.bucket = r.bucket AND n.object_key = r.object_key "
    "AND n.number > r.number AND +n.pipeline_id = r.pipeline_id AND n.trigger_kind <> 'replay')";
inline constexpr char remember_download[] =
    "INSERT OR REPLACE INTO downloads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
inline constexpr char find_download[] =
    "SELECT url_digest, etag, last_modified, size_bytes, digest FROM downloads "
    "WHERE pipeline_id = ? AND step = ? AND bucket = ? AND object_key = ?";

}  // namespace weir::runlog::sql
