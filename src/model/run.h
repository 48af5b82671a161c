#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "model/names.h"
#include "model/object_ref.h"
#include "model/receipt.h"

namespace weir {

/// Of a run that judges rejects of an earlier run again, instead of an input. It is never folded
/// into another run, and says nothing about whether its object is loaded.
inline constexpr const char* replay_trigger = "replay";

/// One execution of a pipeline on one input, as the run log keeps it.
struct Run {
  RunId id;
  PipelineName pipeline;
  std::optional<ObjectRef> object;  ///< none for pipelines that begin with `sql`
  /// "watch", "manual", "cron", "backfill", "api", or replay_trigger
  std::string trigger;
  bool force = false;  ///< load although this version is already in
  RunState state = RunState::queued;
  int tries = 0;     ///< times it was started
  int failures = 0;  ///< tries that failed, and are being repeated
  int priority = 0;
  Timestamp scheduled_for{};  ///< what ${run.scheduled_for} and ${run.day} derive from
  Timestamp created{};
  std::optional<Timestamp> not_before;  ///< queued, but held back until then: its next try
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::string receipt;  ///< the receipt as JSON once finished, else empty
  std::string error;    ///< one line, or empty
};

/// A new id; later calls give greater ids, also within one millisecond and across threads.
RunId new_run_id(Timestamp now);

}  // namespace weir
