#include "metrics/process_facts.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace weir::metrics {
namespace {

/// Seconds since 1970 at which the machine started; 0 when unknown.
double boot_time() {
  std::ifstream stat("/proc/stat");
  for (std::string word; stat >> word;) {
    double value = 0;
    if (word == "btime" && stat >> value) return value;
  }
  return 0;
}

/// The fields of /proc/self/stat behind the name, which may hold anything.
void read_stat(ProcessFacts& facts) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream fields(line.substr(name_end + 1));
  std::string state;
  fields >> state;
  double value[50] = {};
  size_t count = 0;
  while (count < 50 && fields >> value[count]) ++count;
  // Counted from the field behind the state, which proc(5) numbers 4.
  const auto field = [&](size_t number) { return number - 4 < count ? value[number - 4] : 0; };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  static const double booted = boot_time();
  facts.cpu_seconds = (field(14) + field(15)) / ticks;
  facts.threads = static_cast<uint64_t>(field(20));
  facts.start_time_seconds = booted > 0 ? booted + field(22) / ticks : 0;
  facts.virtual_bytes = static_cast<uint64_t>(field(23));
  facts.resident_bytes =
      static_cast<uint64_t>(field(24)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

uint64_t count_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder)) count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(folder);
  return count - 1;  // the folder itself
}

}  // namespace

ProcessFacts process_facts() {
  ProcessFacts facts;
  read_stat(facts);
  facts.open_descriptors = count_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.most_descriptors = limit.rlim_cur;
  return facts;
}

}  // namespace weir::metrics
