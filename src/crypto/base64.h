#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::crypto {

/// Base64 (RFC 4648, section 4) with padding.
std::string to_base64(std::string_view bytes);
/// Only the one spelling to_base64() gives; none for anything else.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace weir::crypto
