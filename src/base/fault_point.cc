#include "base/fault_point.h"

#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <string>

namespace weir {
namespace {

struct Faults {
  std::string words;       // the whole setting, ",word,word,"
  std::string crash_name;  // empty: none
  long crash_countdown = 0;
  std::mutex mutex;

  Faults() {
    const char* setting = std::getenv("WEIR_FAULTS");
    if (setting == nullptr) return;
    words = "," + std::string(setting) + ",";
    const std::string marker = ",crash@";
    const auto at = words.find(marker);
    if (at == std::string::npos) return;
    const auto begin = at + marker.size();
    const auto end = words.find(',', begin);
    const std::string crash = words.substr(begin, end - begin);
    const auto colon = crash.find(':');
    crash_name = crash.substr(0, colon);
    crash_countdown = colon == std::string::npos ? 1 : std::atol(crash.c_str() + colon + 1);
  }
};

Faults& faults() {
  static Faults instance;
  return instance;
}

}  // namespace

void fault_point(std::string_view name) {
  Faults& state = faults();
  if (state.crash_name.empty() || state.crash_name != name) return;
  const std::lock_guard lock(state.mutex);
  if (--state.crash_countdown == 0) ::kill(::getpid(), SIGKILL);
}

bool fault_enabled(std::string_view name) {
  const Faults& state = faults();
  return !state.words.empty() &&
         state.words.find("," + std::string(name) + ",") != std::string::npos;
}

}  // namespace weir
