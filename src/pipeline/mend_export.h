#pragma once

#include "base/result.h"
#include "model/project.h"
#include "pipeline/mend_file.h"
#include "pipeline/quarantine.h"

namespace weir::pipeline {

/// Writes the unresolved rejects of a run as the file people mend. Bounded memory.
/// Errors: not_found (the pipeline is gone from the project), sql, io.
Result<void> export_rejects(const Project& project, Resources& resources, const RejectedRun& run,
                            MendFormat format, const MendWriter::Write& write);

}  // namespace weir::pipeline
