#include "objects/file_writers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>

#include "io/descriptor.h"

namespace weir::objects {

Writers find_writers(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return Writers::not_file;
  const io::Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return errno == ENOENT ? Writers::not_file : Writers::unknown;
  // A writer who opens it while we hold the lease makes the kernel send us a signal; by default one
  // that would end the process. SIGURG is ignored by default.
  if (::fcntl(file.get(), F_SETSIG, SIGURG) != 0) return Writers::unknown;
  if (::fcntl(file.get(), F_SETLEASE, F_RDLCK) == 0) {
    ::fcntl(file.get(), F_SETLEASE, F_UNLCK);
    return Writers::none;
  }
  return errno == EAGAIN ? Writers::some : Writers::unknown;
}

}  // namespace weir::objects
