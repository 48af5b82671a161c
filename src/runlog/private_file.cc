#include "runlog/private_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace weir::runlog {

Result<void> create_private_file(const std::string& path) {
  std::error_code ignored;  // the open below tells
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(ErrorCode::io, "cannot create " + path + ": " + std::strerror(errno),
                "check the rights of its folder");
  }
  ::close(descriptor);
  return {};
}

}  // namespace weir::runlog
