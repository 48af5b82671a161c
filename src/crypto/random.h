#pragma once

#include <cstddef>
#include <string>

namespace weir::crypto {

/// From the system's random numbers; for keys and tokens.
std::string random_bytes(size_t count);

}  // namespace weir::crypto
