#pragma once

#include <vector>

#include "base/result.h"
#include "owner/protocol.h"
#include "scheduler/dispatcher.h"

namespace weir::cli {

/// Each id once, in order: two inputs may have been folded into one run.
std::vector<RunId> distinct(const std::vector<RunId>& ids);

/// Waits for runs, one after the other: accepted, then progress and one receipt per run. True: all
/// of them were sent; false: nobody reads any more (the runs are durable: they go on).
/// Errors: as Dispatcher::wait.
Result<bool> wait_for_runs(const std::vector<RunId>& ids, scheduler::Dispatcher& dispatcher,
                           owner::FrameSink& sink);

}  // namespace weir::cli
