#include "io/system_error.h"

#include <system_error>

namespace weir::io {

Error system_error(const std::string& action, const std::string& path, int error_number) {
  Error error;
  error.code =
      error_number == ENOENT || error_number == ENOTDIR ? ErrorCode::not_found : ErrorCode::io;
  error.message =
      "cannot " + action + " " + path + ": " + std::generic_category().message(error_number);
  if (error_number == ENOSPC || error_number == EDQUOT) error.fix = "make room on that disk";
  if (error_number == EACCES || error_number == EPERM) error.fix = "check its access rights";
  if (error_number == EMFILE || error_number == ENFILE) error.fix = "raise the limit of open files";
  return error;
}

}  // namespace weir::io
