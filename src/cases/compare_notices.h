#pragma once

#include "cases/case_result.h"
#include "runlog/run_log_values.h"

namespace weir::cases {

/// What the notify steps would say, which nobody is sent, against what the test lists.
/// Errors: internal (a notice that cannot be read).
Result<void> compare_notices(const std::vector<runlog::Notice>& notices, CaseResult& result);

}  // namespace weir::cases
