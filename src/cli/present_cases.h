#pragma once

#include <string>
#include <vector>

#include "cases/case_result.h"
#include "cli/output.h"
#include "text/json.h"

namespace weir::cli {

enum class Color { no, yes };

/// One line per test, and below it what differs, for people: " ok    name   12 ms".
std::string case_text(const cases::CaseResult& result, Color color);
/// What differs, without the line of the test.
std::string difference_text(const cases::CaseResult& result, Color color);
/// "5 tests: 3 passed, 2 failed (0.4 s)"
std::string summary_text(const std::vector<cases::CaseResult>& results, double seconds);

text::Json cases_json(const std::vector<cases::CaseResult>& results, double seconds);
/// A row per test: name, status, milliseconds, what differs.
std::string cases_csv(const std::vector<cases::CaseResult>& results);
/// The report of JUnit's ant task, which CI servers read.
std::string cases_junit(const std::string& project, const std::vector<cases::CaseResult>& results,
                        double seconds);

}  // namespace weir::cli
