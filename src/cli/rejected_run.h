#pragma once

#include "cli/services.h"
#include "pipeline/quarantine.h"

namespace weir::cli {

/// The run that `word` names (see pipeline::find_rejected_run); none when there is such a run, or
/// `last` was asked for, and it left no rejects. Errors: usage (no such run, several).
Result<std::optional<pipeline::RejectedRun>> find_rejected_run(const std::string& word,
                                                               Services& services);

}  // namespace weir::cli
