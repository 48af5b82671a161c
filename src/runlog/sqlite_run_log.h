#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runlog/pipeline_rows.h"
#include "runlog/run_log.h"
#include "runlog/run_queue.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog {

/// The run log in one SQLite file: locks and transactions around run_queue.h, run_history.h,
/// outbox.h and object_memory.h.
class SqliteRunLog final : public RunLog {
 public:
  static Result<std::unique_ptr<SqliteRunLog>> open(const std::string& path);

  Result<std::vector<RunId>> enqueue(std::span<const Run> runs) override;
  Result<std::vector<Run>> lease(size_t limit, Timestamp now, const Closed& closed) override;
  Result<void> set_queue_rules(std::span<const QueueRule> rules) override;
  Result<void> finish(std::span<const FinishedRun> runs, Timestamp now) override;
  Result<void> requeue(std::span<const RunId> runs) override;
  Result<void> retry_later(const RunId& id, Timestamp now, Timestamp not_before,
                           const LogLine& line, Attempt attempt) override;
  Result<std::optional<Timestamp>> next_due(Timestamp now) override;
  Result<size_t> retry(std::span<const RunId> runs) override;
  Result<size_t> dismiss(std::span<const RunId> runs) override;
  Result<size_t> recover() override;

  Result<std::vector<ScheduleMark>> schedule_marks() override;
  Result<void> fire(std::span<const Fires> fires) override;
  Result<void> forget_schedules(std::span<const ScheduleKey> schedules) override;

  Result<std::vector<Notice>> due_notices(Timestamp now, size_t limit) override;
  Result<std::optional<Timestamp>> next_notice_due(Timestamp now) override;
  Result<void> notice_delivered(const std::string& id) override;
  Result<void> notice_later(const std::string& id, Timestamp now, Timestamp not_before,
                            const LogLine& line) override;
  Result<void> notice_given_up(const std::string& id, const LogLine& line) override;

  Result<std::optional<Run>> find(const RunId& id) override;
  Result<std::vector<Run>> list(const RunFilter& filter) override;
  Result<size_t> count(RunState state) override;
  Result<std::vector<QueueLength>> queue_lengths() override;
  Result<Waiting> waiting() override;
  Result<size_t> prune(const HistoryLimits& limits, Timestamp now, size_t at_most) override;
  Result<void> append_log(const RunId& id, const LogLine& line) override;
  Result<std::vector<LogLine>> log_lines(const RunId& id, int64_t after, size_t limit) override;
  Result<std::vector<LogLine>> all_log_lines(int64_t after, size_t limit) override;
  Result<std::vector<LogLine>> newest_log_lines(size_t limit) override;

  Result<void> remember(const PipelineName& pipeline,
                        std::span<const KnownObject> objects) override;
  Result<void> forget(const PipelineName& pipeline, std::span<const ObjectRef> objects) override;
  Result<void> for_each_known(const PipelineName& pipeline, const BucketName& bucket,
                              const std::function<void(const KnownObject&)>& visit) override;
  Result<std::vector<KnownObject>> known_after(const PipelineName& pipeline,
                                               const BucketName& bucket, const ObjectKey& after,
                                               size_t limit) override;
  Result<std::vector<ObjectRef>> last_failed(const PipelineName& pipeline) override;
  Result<std::optional<DownloadMemory>> find_download(const PipelineName& pipeline, int step,
                                                      const ObjectRef& target) override;
  Result<void> remember_download(const PipelineName& pipeline, int step, const ObjectRef& target,
                                 const DownloadMemory& memory) override;

  /// Steps SQLite has made so far for all calls together: what they cost, without a clock.
  uint64_t steps();

 private:
  SqliteRunLog(std::unique_ptr<SqliteConnection> writer, std::unique_ptr<SqliteConnection> reader)
      : writer_(std::move(writer)),
        pipelines_(*writer_),
        queue_(*writer_, pipelines_),
        reader_(std::move(reader)) {}

  template <class Body>
  auto transact(Durability durability, Body&& body) -> decltype(body());
  template <class Body>
  auto change_queue(Durability durability, Body&& body);
  Result<void> finish_one(const FinishedRun& run, Timestamp now, QueueChanges& changes);

  // Two connections: a long listing does not hold up the queue. Each is guarded by its mutex.
  std::mutex writer_mutex_;
  std::unique_ptr<SqliteConnection> writer_;
  PipelineRows pipelines_;  // guarded by writer_mutex_
  RunQueue queue_;          // guarded by writer_mutex_
  std::mutex reader_mutex_;
  std::unique_ptr<SqliteConnection> reader_;
};

}  // namespace weir::runlog
