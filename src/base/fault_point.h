#pragma once

#include <string_view>

namespace weir {

/// Where the simulation may kill the process. A no-op unless the environment says
/// `WEIR_FAULTS=crash@NAME:N` (SIGKILL to itself at the N-th passage of NAME, from 1).
/// Every commit boundary has one; `grep -rn fault_point src` lists them.
void fault_point(std::string_view name);

/// True when `WEIR_FAULTS` holds the word `name`, e.g. `ledger-off` for the simulation's canary.
bool fault_enabled(std::string_view name);

}  // namespace weir
