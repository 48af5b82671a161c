#include "runlog/sqlite_run_log.h"

#include <algorithm>

#include "runlog/object_memory.h"
#include "runlog/outbox.h"
#include "runlog/private_file.h"
#include "runlog/run_history.h"
#include "runlog/run_log_schema.h"
#include "runlog/run_log_sql.h"
#include "runlog/run_rows.h"

namespace weir::runlog {
namespace {

constexpr size_t known_page = 1000;

// What was promised to somebody is synced to disk: work taken on, fires of a schedule, what a
// person ordered, messages to be sent. When a power cut takes back anything else, nothing is lost:
// after a lease or a verdict the run is executed again and the ledger recognises it; a forgotten
// memory of an object costs the same; a notice is sent twice, which its id tells. On a busy disk a
// sync takes longer than a small file's whole way into its table.
constexpr Durability promised = Durability::power_cut;
constexpr Durability repeatable = Durability::process_death;

}  // namespace

Result<std::unique_ptr<SqliteRunLog>> SqliteRunLog::open(const std::string& path) {
  WEIR_TRY(create_private_file(path));
  auto writer = WEIR_TRY(SqliteConnection::open(path, AccessMode::read_write));
  WEIR_TRY(migrate_schema(*writer, SystemClock().now()));
  auto reader = WEIR_TRY(SqliteConnection::open(path, AccessMode::read_only));
  std::unique_ptr<SqliteRunLog> log(new SqliteRunLog(std::move(writer), std::move(reader)));
  WEIR_TRY(log->queue_.load());
  return log;
}

/// A write transaction. A pipeline added by one that then rolled back has no row, so the remembered
/// rows go with it.
template <class Body>
auto SqliteRunLog::transact(Durability durability, Body&& body) -> decltype(body()) {
  auto result = writer_->transact(durability, std::forward<Body>(body));
  if (!result) pipelines_.forget();
  return result;
}

/// A write transaction over the queue: `body` is given its changes.
template <class Body>
auto SqliteRunLog::change_queue(Durability durability, Body&& body) {
  const std::lock_guard lock(writer_mutex_);
  return transact(durability, [&]() -> decltype(body(std::declval<QueueChanges&>())) {
    QueueChanges changes(*writer_);
    auto result = body(changes);
    if (!result) return result;
    WEIR_TRY(changes.write());
    return result;
  });
}

Result<std::vector<RunId>> SqliteRunLog::enqueue(std::span<const Run> runs) {
  return change_queue(promised, [&](QueueChanges& changes) -> Result<std::vector<RunId>> {
    std::vector<RunId> ids;
    ids.reserve(runs.size());
    for (const Run& run : runs) ids.push_back(WEIR_TRY(queue_.enqueue(run, changes)));
    return ids;
  });
}

Result<std::vector<Run>> SqliteRunLog::lease(size_t limit, Timestamp now, const Closed& closed) {
  return change_queue(
      repeatable, [&](QueueChanges& changes) { return queue_.lease(limit, now, closed, changes); });
}

Result<void> SqliteRunLog::set_queue_rules(std::span<const QueueRule> rules) {
  return change_queue(repeatable,
                      [&](QueueChanges& changes) { return queue_.set_rules(rules, changes); });
}

Result<void> SqliteRunLog::finish(std::span<const FinishedRun> runs, Timestamp now) {
  const bool tells =
      std::ranges::any_of(runs, [](const FinishedRun& run) { return !run.notices.empty(); });
  return change_queue(tells ? promised : repeatable, [&](QueueChanges& changes) -> Result<void> {
    for (const FinishedRun& run : runs) WEIR_TRY(finish_one(run, now, changes));
    return {};
  });
}

Result<void> SqliteRunLog::finish_one(const FinishedRun& run, Timestamp now,
                                      QueueChanges& changes) {
  const int64_t number = WEIR_TRY(queue_.finish(run, now, changes));
  for (const LogLine& line : run.log) WEIR_TRY(add_log_line(*writer_, number, line));
  for (const Notice& notice : run.notices) {
    WEIR_TRY(add_notice(*writer_, number, notice, now));
  }
  return {};
}

Result<void> SqliteRunLog::requeue(std::span<const RunId> runs) {
  return change_queue(repeatable, [&](QueueChanges& changes) -> Result<void> {
    for (const RunId& id : runs) WEIR_TRY(queue_.requeue(id, changes));
    return {};
  });
}

Result<void> SqliteRunLog::retry_later(const RunId& id, Timestamp now, Timestamp not_before,
                                       const LogLine& line, Attempt attempt) {
  return change_queue(repeatable, [&](QueueChanges& changes) -> Result<void> {
    const int64_t number = WEIR_TRY(queue_.hold(id, now, not_before, attempt, changes));
    return add_log_line(*writer_, number, line);
  });
}

Result<std::optional<Timestamp>> SqliteRunLog::next_due(Timestamp now) {
  const std::lock_guard lock(reader_mutex_);
  std::optional<Timestamp> due;
  {
    Query query = WEIR_TRY(reader_->query(sql::next_due));
    if (WEIR_TRY(query.next())) due = std::max(now, to_time(query.integer(0)));
  }
  if (!due || *due == now) return due;
  Query query = WEIR_TRY(reader_->query(sql::held_after_now));
  query.bind(to_integer(now)).bind(int64_t{1});
  if (WEIR_TRY(query.next())) return now;
  return due;
}

Result<size_t> SqliteRunLog::retry(std::span<const RunId> runs) {
  return change_queue(promised, [&](QueueChanges& changes) -> Result<size_t> {
    size_t changed = 0;
    for (const RunId& id : runs) changed += WEIR_TRY(queue_.retry(id, changes)) ? 1 : 0;
    return changed;
  });
}

Result<size_t> SqliteRunLog::dismiss(std::span<const RunId> runs) {
  return change_queue(promised, [&](QueueChanges& changes) -> Result<size_t> {
    size_t changed = 0;
    for (const RunId& id : runs) changed += WEIR_TRY(queue_.dismiss(id, changes)) ? 1 : 0;
    return changed;
  });
}

Result<size_t> SqliteRunLog::recover() {
  return change_queue(repeatable, [&](QueueChanges& changes) { return queue_.recover(changes); });
}

Result<std::vector<ScheduleMark>> SqliteRunLog::schedule_marks() {
  const std::lock_guard lock(reader_mutex_);
  std::vector<ScheduleMark> marks;
  Query query = WEIR_TRY(reader_->query(sql::select_marks));
  while (WEIR_TRY(query.next())) {
    marks.push_back({{PipelineName(std::string(query.text(0))), std::string(query.text(1))},
                     to_time(query.integer(2))});
  }
  return marks;
}

Result<void> SqliteRunLog::fire(std::span<const Fires> fires) {
  return change_queue(promised, [&](QueueChanges& changes) -> Result<void> {
    for (const Fires& each : fires) {
      for (const Run& run : each.runs) WEIR_TRY(queue_.enqueue(run, changes));
      const ScheduleKey& key = each.mark.key;
      WEIR_TRY(writer_->run(sql::set_mark, WEIR_TRY(pipelines_.row(key.pipeline)), key.schedule,
                            to_integer(each.mark.through)));
    }
    return {};
  });
}

Result<void> SqliteRunLog::forget_schedules(std::span<const ScheduleKey> schedules) {
  const std::lock_guard lock(writer_mutex_);
  return transact(promised, [&]() -> Result<void> {
    for (const ScheduleKey& key : schedules) {
      WEIR_TRY(
          writer_->run(sql::forget_mark, WEIR_TRY(pipelines_.row(key.pipeline)), key.schedule));
    }
    return {};
  });
}

Result<std::vector<Notice>> SqliteRunLog::due_notices(Timestamp now, size_t limit) {
  const std::lock_guard lock(reader_mutex_);
  return runlog::due_notices(*reader_, now, limit);
}

Result<std::optional<Timestamp>> SqliteRunLog::next_notice_due(Timestamp now) {
  const std::lock_guard lock(reader_mutex_);
  return runlog::next_notice_due(*reader_, now);
}

Result<void> SqliteRunLog::notice_delivered(const std::string& id) {
  const std::lock_guard lock(writer_mutex_);
  return transact(repeatable, [&]() -> Result<void> {
    return writer_->run(sql::delete_notice, std::string_view(id));
  });
}

Result<void> SqliteRunLog::notice_later(const std::string& id, Timestamp now, Timestamp not_before,
                                        const LogLine& line) {
  const std::lock_guard lock(writer_mutex_);
  return transact(repeatable, [&] { return hold_notice(*writer_, id, now, not_before, line); });
}

Result<void> SqliteRunLog::notice_given_up(const std::string& id, const LogLine& line) {
  const std::lock_guard lock(writer_mutex_);
  return transact(repeatable, [&] { return give_up_notice(*writer_, id, line); });
}

Result<std::optional<Run>> SqliteRunLog::find(const RunId& id) {
  const std::lock_guard lock(reader_mutex_);
  return find_run(*reader_, id);
}

Result<std::vector<Run>> SqliteRunLog::list(const RunFilter& filter) {
  const std::lock_guard lock(reader_mutex_);
  return list_runs(*reader_, filter);
}

Result<size_t> SqliteRunLog::count(RunState state) {
  const std::lock_guard lock(reader_mutex_);
  return count_runs(*reader_, state);
}

Result<std::vector<QueueLength>> SqliteRunLog::queue_lengths() {
  const std::lock_guard lock(reader_mutex_);
  return runlog::queue_lengths(*reader_);
}

Result<Waiting> SqliteRunLog::waiting() {
  const std::lock_guard lock(reader_mutex_);
  return runlog::waiting(*reader_);
}

Result<size_t> SqliteRunLog::prune(const HistoryLimits& limits, Timestamp now, size_t at_most) {
  const std::lock_guard lock(writer_mutex_);
  return transact(repeatable, [&] { return prune_runs(*writer_, limits, now, at_most); });
}

Result<void> SqliteRunLog::append_log(const RunId& id, const LogLine& line) {
  const std::lock_guard lock(writer_mutex_);
  return transact(repeatable, [&] { return add_log_line(*writer_, id, line); });
}

Result<std::vector<LogLine>> SqliteRunLog::log_lines(const RunId& id, int64_t after, size_t limit) {
  const std::lock_guard lock(reader_mutex_);
  return log_lines_of(*reader_, id, after, limit);
}

Result<std::vector<LogLine>> SqliteRunLog::all_log_lines(int64_t after, size_t limit) {
  const std::lock_guard lock(reader_mutex_);
  return runlog::all_log_lines(*reader_, after, limit);
}

Result<std::vector<LogLine>> SqliteRunLog::newest_log_lines(size_t limit) {
  const std::lock_guard lock(reader_mutex_);
  return runlog::newest_log_lines(*reader_, limit);
}

Result<void> SqliteRunLog::remember(const PipelineName& pipeline,
                                    std::span<const KnownObject> objects) {
  const std::lock_guard lock(writer_mutex_);
  return transact(repeatable, [&]() -> Result<void> {
    const int64_t row = WEIR_TRY(pipelines_.row(pipeline));
    for (const KnownObject& known : objects) WEIR_TRY(remember_object(*writer_, row, known));
    return {};
  });
}

Result<void> SqliteRunLog::forget(const PipelineName& pipeline,
                                  std::span<const ObjectRef> objects) {
  const std::lock_guard lock(writer_mutex_);
  return transact(repeatable, [&]() -> Result<void> {
    const int64_t row = WEIR_TRY(pipelines_.row(pipeline));
    for (const ObjectRef& object : objects) WEIR_TRY(forget_object(*writer_, row, object));
    return {};
  });
}

Result<void> SqliteRunLog::for_each_known(const PipelineName& pipeline, const BucketName& bucket,
                                          const std::function<void(const KnownObject&)>& visit) {
  ObjectKey after;
  for (;;) {
    const auto page = WEIR_TRY(known_after(pipeline, bucket, after, known_page));
    for (const KnownObject& known : page) visit(known);
    if (page.size() < known_page) return {};
    after = page.back().object.key;
  }
}

Result<std::vector<KnownObject>> SqliteRunLog::known_after(const PipelineName& pipeline,
                                                           const BucketName& bucket,
                                                           const ObjectKey& after, size_t limit) {
  const std::lock_guard lock(reader_mutex_);
  const auto row = WEIR_TRY(PipelineRows::find(*reader_, pipeline));
  if (!row) return std::vector<KnownObject>();
  return runlog::known_after(*reader_, *row, bucket, after, limit);
}

Result<std::vector<ObjectRef>> SqliteRunLog::last_failed(const PipelineName& pipeline) {
  const std::lock_guard lock(reader_mutex_);
  const auto row = WEIR_TRY(PipelineRows::find(*reader_, pipeline));
  if (!row) return std::vector<ObjectRef>();
  return runlog::last_failed(*reader_, *row);
}

Result<std::optional<DownloadMemory>> SqliteRunLog::find_download(const PipelineName& pipeline,
                                                                  int step,
                                                                  const ObjectRef& target) {
  const std::lock_guard lock(reader_mutex_);
  const auto row = WEIR_TRY(PipelineRows::find(*reader_, pipeline));
  if (!row) return std::nullopt;
  return runlog::find_download(*reader_, *row, step, target);
}

Result<void> SqliteRunLog::remember_download(const PipelineName& pipeline, int step,
                                             const ObjectRef& target,
                                             const DownloadMemory& memory) {
  const std::lock_guard lock(writer_mutex_);
  return transact(repeatable, [&]() -> Result<void> {
    const int64_t row = WEIR_TRY(pipelines_.row(pipeline));
    return runlog::remember_download(*writer_, row, step, target, memory);
  });
}

uint64_t SqliteRunLog::steps() {
  const std::scoped_lock lock(writer_mutex_, reader_mutex_);
  return writer_->steps() + reader_->steps();
}

Result<std::unique_ptr<RunLog>> open_sqlite_run_log(const std::string& path) {
  return SqliteRunLog::open(path);
}

}  // namespace weir::runlog
