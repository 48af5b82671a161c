#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "cases/case_result.h"
#include "model/project.h"

namespace weir::cases {

/// What an update did with a test that did not pass.
struct UpdatedCase {
  std::string name;
  std::string left_alone;  ///< why; empty: it expects now what came out
};

/// Writes what came out into the project file (and files of expected rows) in place of what was
/// expected; everything else in it stays byte for byte. Tests that passed are not touched, and
/// those are left alone that broke, in which a run failed without being expected to, or whose text
/// cannot be rewritten in place. Each file is written atomically. Errors: io, invalid_project (the
/// file changed meanwhile).
Result<std::vector<UpdatedCase>> update_expectations(const Project& project,
                                                     const std::vector<CaseResult>& results);

}  // namespace weir::cases
