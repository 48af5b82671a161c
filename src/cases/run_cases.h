#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "cases/case_result.h"
#include "model/project.h"

namespace weir::cases {

/// The project's tests of these names: each is a test's name, or part of it; none: all of them.
/// Errors: usage, when a name fits none, or there are none at all.
Result<std::vector<const TestCase*>> chosen_tests(const Project& project,
                                                  const std::vector<std::string>& names);

struct RunCasesOptions {
  size_t jobs = 1;
  /// Called in the order of `tests`, by one thread at a time.
  std::function<void(const CaseResult&)> done = [](const CaseResult&) {};
  const std::atomic<bool>* stop = nullptr;  ///< set: no further test is begun
};

/// Runs tests, `jobs` at a time, each in a place of its own. Results in the order of `tests`; when
/// it was stopped, of those that ran. Errors: io (no temporary folder).
Result<std::vector<CaseResult>> run_cases(const Project& project,
                                          const std::vector<const TestCase*>& tests,
                                          const RunCasesOptions& options);

}  // namespace weir::cases
