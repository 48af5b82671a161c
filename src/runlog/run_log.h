#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/run.h"

namespace weir::runlog {

/// Which runs `list` gives; unset fields do not restrict. Newest first.
struct RunFilter {
  std::optional<PipelineName> pipeline = {};
  std::optional<RunState> state = {};
  std::optional<ObjectRef> object = {};
  size_t limit = 50;
};

struct LogLine {
  Timestamp time{};
  std::string level;
  std::string message;
};

/// What a finished run leaves behind.
struct FinishedRun {
  RunId id;
  RunState state = RunState::failed;
  std::string receipt;       ///< JSON
  std::string error;         ///< one line, or empty
  std::vector<LogLine> log;  ///< written in the same transaction
};

/// What the watcher last knew of an object, so that a rescan need not read the file again.
struct KnownObject {
  ObjectRef object;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  uint64_t inode = 0;
};

/// The durable queue and history of one project and environment. Could be rebuilt from the
/// ledgers and the buckets. Thread-safe; every call is one short transaction.
/// Errors of every call: io (disk), busy (another process holds the file), internal.
class RunLog {
 public:
  virtual ~RunLog() = default;

  /// Adds queued runs (ids and created times are the caller's). A run for a pipeline and object
  /// that already has a *queued* one with the same `force` is folded into it, which takes the
  /// higher priority of the two: returns, per run, the id that will do the work. Runs without an
  /// object and replays are never folded.
  virtual Result<std::vector<RunId>> enqueue(std::span<const Run> runs) = 0;

  /// Moves up to `limit` queued runs of one pipeline to running and returns them: higher priority
  /// first, then oldest; fair between pipelines of one priority (the one served longest ago comes
  /// first). Never a run whose pipeline and object is being run; runs without an object go one at a
  /// time per pipeline. `only`: restrict to these ids when not empty. `busy`: none of these
  /// pipelines, because their turn has not ended.
  virtual Result<std::vector<Run>> lease(size_t limit, Timestamp now,
                                         std::span<const RunId> only = {},
                                         std::span<const PipelineName> busy = {}) = 0;

  /// Errors: also not_found, when one of the runs is neither queued nor running; then none is
  /// changed.
  virtual Result<void> finish(std::span<const FinishedRun> runs, Timestamp now) = 0;
  /// Puts leased runs back in the queue (drain, or the input changed under the reader).
  virtual Result<void> requeue(std::span<const RunId> runs) = 0;
  /// At the owner's start: what was running when the last owner died is queued again. Returns how
  /// many.
  virtual Result<size_t> recover() = 0;

  virtual Result<std::optional<Run>> find(const RunId& id) = 0;
  virtual Result<std::vector<Run>> list(const RunFilter& filter) = 0;
  virtual Result<size_t> count(RunState state) = 0;

  virtual Result<void> append_log(const RunId& id, Timestamp time, std::string_view level,
                                  std::string_view message) = 0;
  virtual Result<std::vector<LogLine>> log_lines(const RunId& id) = 0;

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
  /// The objects whose newest run of this pipeline failed.
  virtual Result<std::vector<ObjectRef>> last_failed(const PipelineName& pipeline) = 0;
};

/// Opens or creates the SQLite run log at `path` (WAL, mode 0600), folders included.
/// Errors: io, busy; invalid_input when a newer weir wrote it or it is no run log.
Result<std::unique_ptr<RunLog>> open_sqlite_run_log(const std::string& path);

}  // namespace weir::runlog
