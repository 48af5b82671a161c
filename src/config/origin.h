#pragma once

#include <string_view>

#include "base/result.h"

namespace weir::config {

/// That `text` is an origin as browsers send it (RFC 6454), which is compared byte by byte:
/// "https://app.example.org", "http://localhost:5173", "http://[::1]:8080". Scheme and host in
/// lower case, no port that the scheme has anyway, nothing behind it. Errors: invalid_input, with
/// the spelling that was probably meant as its fix.
Result<void> check_origin(std::string_view text);

}  // namespace weir::config
