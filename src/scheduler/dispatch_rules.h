#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/project.h"
#include "model/retry_policy.h"

namespace weir::scheduler {

/// How the runs of one pipeline are dispatched.
struct PipelineRules {
  int concurrency = 1;  ///< most batches of it at work at a time
  RetryPolicy retry;
  std::vector<DatabaseName> databases;  ///< that must be there for it, by name
};

/// What the project says about dispatching. Plain values.
struct DispatchRules {
  std::map<PipelineName, PipelineRules> pipelines;
  std::map<DatabaseName, int> max_runs;  ///< of those that have a limit

  /// Of a pipeline that is not in the project any more: the defaults.
  const PipelineRules& of(const PipelineName& pipeline) const;
};

DispatchRules dispatch_rules(const Project& project);

}  // namespace weir::scheduler
