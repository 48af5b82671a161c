#pragma once

#include <string>

#include "base/result.h"

namespace weir::runlog {

/// Creates the file with mode 0600 before SQLite does, and its folder; its -wal and -shm files take
/// the same mode. Errors: io.
Result<void> create_private_file(const std::string& path);

}  // namespace weir::runlog
