#include "doctor/machine.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <array>
#include <fstream>
#include <sstream>

namespace weir::doctor {
namespace {

namespace fs = std::filesystem;

/// The nearest thing above `path` that is there.
fs::path existing(fs::path path) {
  std::error_code ignored;
  while (!path.empty() && path != path.root_path() && !fs::exists(path, ignored)) {
    path = path.parent_path();
  }
  return path;
}

/// Values of statfs(2)'s f_type, from linux/magic.h and the file systems' own sources.
bool is_remote(const struct statfs& status) {
  constexpr std::array<unsigned long, 6> remote = {0x6969,       // NFS
                                                   0x517b,       // SMB
                                                   0xfe534d42,   // SMB 2
                                                   0xff534d42,   // CIFS
                                                   0x01021997,   // 9P
                                                   0x00c36400};  // Ceph
  for (const unsigned long type : remote) {
    if (static_cast<unsigned long>(static_cast<uint32_t>(status.f_type)) == type) return true;
  }
  return false;
}

class ThisMachine final : public Machine {
 public:
  Timestamp now() const override { return clock_.now(); }

  std::optional<std::string> text(const std::string& path) const override {
    const std::ifstream file(path);
    std::ostringstream text;
    if (!file || !(text << file.rdbuf())) return std::nullopt;
    return text.str();
  }

  std::optional<DiskSpace> disk(const fs::path& path) const override {
    const std::string place = existing(path).string();
    struct statvfs space {};
    struct statfs kind {};
    struct stat status {};
    if (::statvfs(place.c_str(), &space) != 0 || ::statfs(place.c_str(), &kind) != 0 ||
        ::stat(place.c_str(), &status) != 0) {
      return std::nullopt;
    }
    return DiskSpace{status.st_dev,
                     uint64_t{space.f_blocks} * space.f_frsize,
                     uint64_t{space.f_bavail} * space.f_frsize,
                     space.f_files,
                     space.f_favail,
                     (space.f_flag & ST_RDONLY) != 0,
                     is_remote(kind)};
  }

  std::optional<Timestamp> changed(const fs::path& path) const override {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return Timestamp{std::chrono::seconds(status.st_mtim.tv_sec)};
  }

  uint64_t open_file_limit() const override {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
  }

  ClockState clock_state() const override {
    timex state{};
    const int answer = ::adjtimex(&state);
    if (answer < 0) return ClockState::unknown;
    return answer == TIME_ERROR || (state.status & STA_UNSYNC) != 0 ? ClockState::alone
                                                                    : ClockState::synchronized;
  }

  uint64_t folders(const fs::path& path, uint64_t most) const override {
    std::error_code error;
    if (!fs::is_directory(path, error)) return 0;
    uint64_t count = 1;
    fs::recursive_directory_iterator at(path, fs::directory_options::skip_permission_denied, error);
    for (; !error && at != fs::recursive_directory_iterator() && count < most;
         at.increment(error)) {
      std::error_code ignored;
      if (at->is_directory(ignored) && !at->is_symlink(ignored)) ++count;
    }
    return count;
  }

 private:
  const SystemClock clock_;
};

}  // namespace

std::unique_ptr<Machine> this_machine() { return std::make_unique<ThisMachine>(); }

}  // namespace weir::doctor
