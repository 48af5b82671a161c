#pragma once

#include <string_view>

#include "crypto/digest.h"

namespace weir::crypto {

/// HMAC-SHA256 (RFC 2104, RFC 4231) of `message` under `key`, which may have any length.
Sha256Digest hmac_sha256(std::string_view key, std::string_view message);

/// Whether both hold the same bytes, in a time that tells their lengths only.
bool equal_in_constant_time(std::string_view left, std::string_view right);

}  // namespace weir::crypto
