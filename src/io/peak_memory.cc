#include "io/peak_memory.h"

#include <fstream>
#include <string>

namespace weir::io {

uint64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

/// proc(5): 5 resets the peak resident set size to what it is now.
void begin_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace weir::io
