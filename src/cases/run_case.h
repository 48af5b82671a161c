#pragma once

#include <atomic>
#include <filesystem>

#include "cases/case_result.h"
#include "model/project.h"

namespace weir::cases {

struct CaseOptions {
  std::filesystem::path folder;  ///< the case's own, empty; what is left in it may be removed
  uint64_t memory_bytes = 0;     ///< for its databases
};

/// Runs one test of the project and compares what comes out. Touches nothing but the folder.
CaseResult run_case(const Project& project, const TestCase& test, const CaseOptions& options);

}  // namespace weir::cases
