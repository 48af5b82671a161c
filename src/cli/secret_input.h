#pragma once

#include <string>

#include "base/result.h"

namespace weir::cli {

/// A secret from standard input, without the newline it ends with: all of it, or, from a terminal,
/// one line that is not shown. Who takes it wipes it. Errors: usage (longer than `largest`),
/// cancelled (a signal while the terminal was asked), io.
Result<std::string> read_secret(const std::string& prompt, size_t largest);

}  // namespace weir::cli
