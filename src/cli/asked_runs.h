#pragma once

#include <vector>

#include "base/result.h"
#include "cli/services.h"
#include "text/json.h"

namespace weir::cli {

/// What `run` and `plan` are asked to do.
struct AskedRuns {
  const Pipeline* pipeline = nullptr;  ///< of the services' project
  std::vector<Run> runs;               ///< not queued; none: nothing is pending
};

/// From {pipeline, objects: ["bucket/key"…], force}; without objects all pending ones.
/// Errors: usage, with a did-you-mean.
Result<AskedRuns> asked_runs(const text::Json& args, Services& services);

/// Opens the databases that the pipeline's runs need, so that who asks for them hears at once what
/// keeps them from being run, and what mends it.
Result<void> reach_databases(const PipelineName& pipeline, Services& services);

}  // namespace weir::cli
