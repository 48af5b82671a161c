#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/run.h"

namespace weir::runlog {

/// Which runs `list` gives; unset fields do not restrict. Newest first: by `created`, those of one
/// moment by the order in which they came.
struct RunFilter {
  std::optional<PipelineName> pipeline = {};
  std::optional<RunState> state = {};
  std::optional<ObjectRef> object = {};
  std::optional<Timestamp> since = {};  ///< created at or after
  std::optional<Timestamp> until = {};  ///< created before
  size_t limit = 50;
};

/// One line of a run's log.
struct LogLine {
  Timestamp time{};
  std::string level;
  std::string message;
  std::string fields = {};  ///< a JSON object, or empty
  /// Set when read. Grows over the lines of all runs: to follow a log, ask for what comes after it.
  int64_t line = 0;
  RunId run = {};  ///< set when read
};

/// One message that must be delivered. Its id is stable: "<run id>.<step number>".
struct Notice {
  std::string id;
  RunId run = {};
  PipelineName pipeline = {};
  int step = 0;
  std::string body = {};
  int tries = 0;        ///< that failed
  Timestamp created{};  ///< set when read: when its run finished
};

/// What a finished run leaves behind.
struct FinishedRun {
  RunId id;
  RunState state = RunState::failed;
  std::string receipt;               ///< JSON
  std::string error;                 ///< one line, or empty
  std::vector<LogLine> log;          ///< written in the same transaction
  std::vector<Notice> notices = {};  ///< the same; their `run` and `pipeline` are the run's
};

/// Whether a try that is to be repeated was the run's own failure (Run::failures counts it), or
/// says nothing about it: its database is down, its input still changes.
enum class Attempt { failed, uncounted };

/// How the queue treats a pipeline.
struct QueueRule {
  PipelineName pipeline;
  /// Pipelines that wait for the same thing (a database) share a lane: `lease` leaves out a lane at
  /// a cost that does not depend on how many pipelines are in it.
  std::string lane = {};
  int most_without_object = 1;  ///< runs without an object that may be running at once
};

/// What `lease` must not take from.
struct Closed {
  std::span<const PipelineName> pipelines = {};  ///< whose turn has not ended: a few
  std::span<const std::string> lanes = {};
};

/// A cron trigger of a pipeline.
struct ScheduleKey {
  PipelineName pipeline;
  std::string schedule;  ///< expression and zone: "5 0 * * * Europe/Madrid"

  auto operator<=>(const ScheduleKey&) const = default;
};

/// Everything a schedule scheduled up to and including `through` was fired or deliberately skipped.
struct ScheduleMark {
  ScheduleKey key;
  Timestamp through{};
};

/// What a schedule fires at once. Without runs only the mark moves.
struct Fires {
  ScheduleMark mark;
  std::vector<Run> runs;
};

/// Unfinished work of one pipeline.
struct QueueLength {
  PipelineName pipeline;
  size_t queued = 0, running = 0, parked = 0;
};

/// What waits for a moment to come.
struct Waiting {
  size_t held = 0;     ///< queued runs that are held back
  size_t notices = 0;  ///< that are not delivered yet
};

/// What is kept of finished runs: those younger than `keep`, and of these the newest `runs`.
struct HistoryLimits {
  std::chrono::seconds keep{};
  uint64_t runs = 0;
};

/// What the watcher last knew of an object, so that a rescan need not read the file again.
struct KnownObject {
  ObjectRef object;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  uint64_t inode = 0;
};

/// What was last downloaded by a step to an object, so that the server can say "not modified".
struct DownloadMemory {
  std::string url_digest;
  std::string etag;
  std::string last_modified;
  uint64_t size = 0;
  std::string digest;  ///< of the content, as the bucket's versions are spelled

  bool operator==(const DownloadMemory&) const = default;
};

}  // namespace weir::runlog
