#include "owner/state_directory.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace weir::owner {

tl::unexpected<Error> system_failure(const std::string& what, std::string fix) {
  return fail(ErrorCode::io, what + ": " + std::generic_category().message(errno), std::move(fix));
}

StateDirectory::StateDirectory(std::filesystem::path path, io::Descriptor directory)
    : path_(std::move(path)), directory_(std::move(directory)) {}

Result<StateDirectory> StateDirectory::open(const std::filesystem::path& path) {
  const std::string mend = "the project's folder must be writable";
  const auto parent = path.parent_path();
  for (const auto& folder : {parent, path}) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
      return system_failure("cannot create " + folder.string(), mend);
    }
  }
  io::Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return system_failure("cannot open " + path.string(), mend);
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0) return system_failure("cannot read " + path.string());
  if (status.st_uid != ::geteuid()) {
    return fail(ErrorCode::io,
                fmt::format("{} belongs to user {}, and this is user {}", path.string(),
                            status.st_uid, ::geteuid()),
                "run weir as the user who owns the project's state");
  }
  if ((status.st_mode & 0077) != 0 && ::fchmod(directory.get(), 0700) != 0) {
    return system_failure("cannot take others' rights from " + path.string());
  }
  return StateDirectory(path, std::move(directory));
}

sockaddr_un StateDirectory::address(const std::string& name) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", directory_.get(), name);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);  // far below 107 bytes
  return address;
}

}  // namespace weir::owner
