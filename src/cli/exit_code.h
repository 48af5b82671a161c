#pragma once

#include "base/error.h"
#include "model/receipt.h"

namespace weir::cli {

/// What `weir` ends with; stable.
enum class ExitCode {
  done = 0,  ///< all rows are where they should be
  failed = 1,
  usage = 2,     ///< wrong usage, or the project file is invalid
  rejected = 3,  ///< loaded, but some rows were rejected
};

ExitCode exit_code(const Error& error);
ExitCode exit_code(RunState state);
/// The one that says more: failed, then usage, then rejected, then done.
ExitCode worse(ExitCode a, ExitCode b);

}  // namespace weir::cli
