#pragma once

#include <cerrno>
#include <string>

#include "base/result.h"

namespace weir::io {

/// "cannot open landing/x.json: Permission denied", from `error_number`. ENOENT and ENOTDIR are
/// not_found, ENOSPC and EDQUOT say that the disk is full, everything else is io.
Error system_error(const std::string& action, const std::string& path, int error_number = errno);

}  // namespace weir::io
