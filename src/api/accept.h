#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace weir::api {

/// Of these media types ("text/csv") the one that an Accept header (RFC 9110, 12.5.1) likes best:
/// the highest q of the most specific range that matches it; among equals the first. An empty
/// header takes anything. None: the client takes none of them. The index in `types`.
std::optional<size_t> best_accepted(std::string_view header,
                                    std::span<const std::string_view> types);

}  // namespace weir::api
