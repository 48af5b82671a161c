#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "model/names.h"
#include "model/object_ref.h"
#include "model/receipt.h"

namespace weir {

/// One execution of a pipeline on one input, as the run log keeps it.
struct Run {
  RunId id;
  PipelineName pipeline;
  std::optional<ObjectRef> object;  ///< none for pipelines that begin with `sql`
  std::string trigger;              ///< "watch", "manual", "cron", "api"
  bool force = false;               ///< load although this version is already in
  RunState state = RunState::queued;
  int tries = 0;  ///< times it was started
  int priority = 0;
  Timestamp scheduled_for{};  ///< what ${run.scheduled_for} and ${run.day} derive from
  Timestamp created{};
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::string receipt;  ///< the receipt as JSON once finished, else empty
  std::string error;    ///< one line, or empty
};

/// A new id; later calls give greater ids, also within one millisecond and across threads.
RunId new_run_id(Timestamp now);

}  // namespace weir
