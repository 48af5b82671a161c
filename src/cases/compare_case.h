#pragma once

#include <filesystem>

#include "cases/case_result.h"
#include "model/project.h"
#include "pipeline/resources.h"
#include "runlog/run_log_values.h"

namespace weir::cases {

/// Holds what came out against what the test expects; `result` has the receipts, `notices` what
/// notify steps would say. Errors: those of
/// fixtures and of reading the tables: the test is broken.
Result<void> compare_case(const Project& scratch, pipeline::Resources& resources,
                          const std::vector<runlog::Notice>& notices,
                          const std::filesystem::path& root, CaseResult& result);

}  // namespace weir::cases
