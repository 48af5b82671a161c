#pragma once

#include <filesystem>

#include "cases/case_result.h"
#include "model/project.h"
#include "pipeline/resources.h"

namespace weir::cases {

/// Holds what came out against what the test expects; `result` has the receipts. Errors: those of
/// fixtures and of reading the tables: the test is broken.
Result<void> compare_case(const Project& scratch, pipeline::Resources& resources,
                          const std::filesystem::path& root, CaseResult& result);

}  // namespace weir::cases
