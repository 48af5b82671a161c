#pragma once

#include "model/receipt.h"
#include "model/run.h"

namespace weir::cli {

/// The receipt of a run as the run log keeps it; one that only names the run and its state while it
/// has none yet.
Receipt receipt_of_run(const Run& run);

}  // namespace weir::cli
