#include "owner/lock_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace weir::owner {

Result<LockFile> LockFile::open(const StateDirectory& directory) {
  io::Descriptor file(
      ::openat(directory.descriptor(), lock_name, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) {
    return system_failure("cannot open " + (directory.path() / lock_name).string());
  }
  return LockFile(std::move(file));
}

LockFile::~LockFile() { release(); }

void LockFile::release() {
  if (!file_ || !locked_) return;
  // Cleared and unlocked before it is closed: who waits is woken by the closing.
  [[maybe_unused]] const int cleared = ::ftruncate(file_.get(), 0);
  ::flock(file_.get(), LOCK_UN);
  file_.close();
}

Result<bool> LockFile::try_lock() {
  while (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) return system_failure("cannot lock .weir");
  }
  locked_ = true;
  return true;
}

Result<void> LockFile::describe(const Identity& holder) {
  const std::string line = to_json(holder).to_string() + "\n";
  if (::pwrite(file_.get(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()) ||
      ::ftruncate(file_.get(), static_cast<off_t>(line.size())) != 0) {
    return system_failure("cannot write the lock file");
  }
  return {};
}

std::optional<Identity> LockFile::holder() const {
  char text[4096];
  const ssize_t size = ::pread(file_.get(), text, sizeof text, 0);
  if (size <= 0) return std::nullopt;
  const auto json = text::Json::parse(std::string_view(text, static_cast<size_t>(size)));
  if (!json) return std::nullopt;
  auto identity = identity_from_json(*json);
  if (!identity || identity->pid <= 0) return std::nullopt;
  if (::kill(identity->pid, 0) != 0 && errno == ESRCH) return std::nullopt;
  return *std::move(identity);
}

}  // namespace weir::owner
