#pragma once

#include <cstdint>

namespace weir::metrics {

/// What the system says of this process; what it does not say is 0.
struct ProcessFacts {
  double cpu_seconds = 0;
  double start_time_seconds = 0;  ///< since 1970
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_descriptors = 0;
  uint64_t most_descriptors = 0;
  uint64_t threads = 0;
};

ProcessFacts process_facts();

}  // namespace weir::metrics
