#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/run.h"
#include "runlog/run_log_values.h"

namespace weir::runlog {

/// The durable queue and history of one project and environment. Could be rebuilt from the
/// ledgers and the buckets. Thread-safe; every call is one short transaction.
/// Errors of every call: io (disk), busy (another process holds the file), internal.
class RunLog {
 public:
  static constexpr size_t no_limit = std::numeric_limits<int64_t>::max();

  virtual ~RunLog() = default;

  // --- the queue ---

  /// Adds queued runs (ids and created times are the caller's). A run for a pipeline and object
  /// that already has a *queued* one with the same `force` is folded into it, which takes the
  /// higher priority of the two, and is no longer held back unless it was the watcher who asked
  /// again: returns, per run, the id that will do the work. Runs without an object and replays are
  /// never folded.
  virtual Result<std::vector<RunId>> enqueue(std::span<const Run> runs) = 0;

  /// Moves up to `limit` queued runs of one pipeline to running and returns them: higher priority
  /// first, then oldest; fair between pipelines of one priority (the one served longest ago comes
  /// first). Never a run whose pipeline and object is being run, nor one held back to a later time;
  /// runs without an object go one per batch, and no more at a time than their pipeline's rule
  /// says. The cost does not depend on how much is queued, held back or finished.
  virtual Result<std::vector<Run>> lease(size_t limit, Timestamp now,
                                         const Closed& closed = {}) = 0;
  /// How the queue treats each pipeline; those not named are in lane "" and run one at a time.
  virtual Result<void> set_queue_rules(std::span<const QueueRule> rules) = 0;

  /// Runs that end as anything but failed supersede the parked runs of their pipeline and object
  /// (without an object: of their pipeline and scheduled_for), which become failed: an object waits
  /// for a person once. Replays supersede nothing.
  /// Errors: also not_found, when one of the runs is neither queued nor running; then none is
  /// changed.
  virtual Result<void> finish(std::span<const FinishedRun> runs, Timestamp now) = 0;
  /// Puts leased runs back in the queue (drain, or the input changed under the reader).
  virtual Result<void> requeue(std::span<const RunId> runs) = 0;
  /// Puts a leased run back in the queue, not to be leased before `not_before`, or until the clock
  /// is set back to before `now`. Errors: also not_found, when it is not running.
  virtual Result<void> retry_later(const RunId& id, Timestamp now, Timestamp not_before,
                                   const LogLine& line, Attempt attempt = Attempt::failed) = 0;
  /// When the next run held back may be leased: `now` when one already may.
  virtual Result<std::optional<Timestamp>> next_due(Timestamp now) = 0;
  /// Queues parked and failed runs again, as if they had never been tried, due at once. Other runs,
  /// and replays, are left as they are. Returns how many.
  virtual Result<size_t> retry(std::span<const RunId> runs) = 0;
  /// Parked runs become failed: nobody will deal with them. Returns how many.
  virtual Result<size_t> dismiss(std::span<const RunId> runs) = 0;
  /// At the owner's start: what was running when the last owner died is queued again. Returns how
  /// many.
  virtual Result<size_t> recover() = 0;

  // --- schedules ---

  virtual Result<std::vector<ScheduleMark>> schedule_marks() = 0;
  /// Enqueues the runs and sets the marks, all or nothing; survives a power cut once it returns.
  virtual Result<void> fire(std::span<const Fires> fires) = 0;
  virtual Result<void> forget_schedules(std::span<const ScheduleKey> schedules) = 0;

  // --- notices: the outbox of finish() ---

  /// What may be sent now, due longest first. A notice stays until it is delivered or given up.
  virtual Result<std::vector<Notice>> due_notices(Timestamp now, size_t limit) = 0;
  /// When the next notice is due: `now` when one already is.
  virtual Result<std::optional<Timestamp>> next_notice_due(Timestamp now) = 0;
  virtual Result<void> notice_delivered(const std::string& id) = 0;
  /// One try more, and not before then (or until the clock is set back to before `now`); `line`
  /// goes to its run's log. Errors: also not_found.
  virtual Result<void> notice_later(const std::string& id, Timestamp now, Timestamp not_before,
                                    const LogLine& line) = 0;
  /// Errors: also not_found.
  virtual Result<void> notice_given_up(const std::string& id, const LogLine& line) = 0;

  // --- the history ---

  virtual Result<std::optional<Run>> find(const RunId& id) = 0;
  virtual Result<std::vector<Run>> list(const RunFilter& filter) = 0;
  virtual Result<size_t> count(RunState state) = 0;
  /// The pipelines that have unfinished or parked runs, by name.
  virtual Result<std::vector<QueueLength>> queue_lengths() = 0;
  virtual Result<Waiting> waiting() = 0;
  /// Deletes the oldest finished runs beyond the limits, with receipts and lines, at most so many;
  /// returns how many. Never queued, running or parked ones, nor one whose notices are unsent.
  virtual Result<size_t> prune(const HistoryLimits& limits, Timestamp now, size_t at_most) = 0;

  virtual Result<void> append_log(const RunId& id, const LogLine& line) = 0;
  /// The run's lines, oldest first, whose `line` is greater than `after`.
  virtual Result<std::vector<LogLine>> log_lines(const RunId& id, int64_t after = 0,
                                                 size_t limit = no_limit) = 0;
  /// The same of all runs.
  virtual Result<std::vector<LogLine>> all_log_lines(int64_t after, size_t limit) = 0;
  /// The last lines of all runs, oldest first.
  virtual Result<std::vector<LogLine>> newest_log_lines(size_t limit) = 0;

  // --- memory of objects ---

  /// The watcher's memory of (pipeline, object).
  virtual Result<void> remember(const PipelineName& pipeline,
                                std::span<const KnownObject> objects) = 0;
  virtual Result<void> forget(const PipelineName& pipeline, std::span<const ObjectRef> objects) = 0;
  /// In byte order of the key. `visit` may call the run log.
  virtual Result<void> for_each_known(const PipelineName& pipeline, const BucketName& bucket,
                                      const std::function<void(const KnownObject&)>& visit) = 0;
  /// A page of the same: the first `limit` whose key is greater than `after`.
  virtual Result<std::vector<KnownObject>> known_after(const PipelineName& pipeline,
                                                       const BucketName& bucket,
                                                       const ObjectKey& after, size_t limit) = 0;
  /// The objects whose newest run of this pipeline is parked: nobody has dealt with it yet.
  virtual Result<std::vector<ObjectRef>> last_failed(const PipelineName& pipeline) = 0;

  virtual Result<std::optional<DownloadMemory>> find_download(const PipelineName& pipeline,
                                                              int step,
                                                              const ObjectRef& target) = 0;
  virtual Result<void> remember_download(const PipelineName& pipeline, int step,
                                         const ObjectRef& target, const DownloadMemory& memory) = 0;
};

/// Opens or creates the SQLite run log at `path` (WAL, mode 0600), folders included. A file of an
/// older version is brought to this one in place.
/// Errors: io, busy; invalid_input when a newer weir wrote it or it is no run log.
Result<std::unique_ptr<RunLog>> open_sqlite_run_log(const std::string& path);

}  // namespace weir::runlog
