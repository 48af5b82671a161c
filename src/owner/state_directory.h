#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <string>

#include "base/result.h"
#include "io/descriptor.h"

namespace weir::owner {

/// The folder `.weir/<env>`, opened: the lock, the socket and the embedded state lie in it.
class StateDirectory {
 public:
  /// Creates it (mode 0700) where it is missing, and takes others' rights away where they are
  /// there. Errors: io.
  static Result<StateDirectory> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return directory_.get(); }

  /// The socket address of `name` in this folder. It goes through /proc/self/fd, because a socket's
  /// path has 107 bytes at most and a project may lie deeper.
  sockaddr_un address(const std::string& name) const;

 private:
  StateDirectory(std::filesystem::path path, io::Descriptor directory);

  std::filesystem::path path_;
  io::Descriptor directory_;
};

inline constexpr const char* lock_name = "lock";
inline constexpr const char* socket_name = "sock";

/// An io error that says what failed and why (from errno).
tl::unexpected<Error> system_failure(const std::string& what, std::string fix = {});

}  // namespace weir::owner
