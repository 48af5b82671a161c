#pragma once

#include <cstdint>

namespace weir::io {

/// The most memory this process has held since `begin_peak_memory` was called last (or since it
/// started, where the system cannot begin anew): resident, in bytes. 0 where it is not known.
uint64_t peak_memory_bytes();
void begin_peak_memory();

}  // namespace weir::io
