#pragma once

#include <string>
#include <string_view>

namespace weir {

/// `text` as a JSON string, quotes included; one line, and valid UTF-8 whatever `text` holds: a
/// byte that is not UTF-8 becomes U+FFFD. For lines that are written where text/json.h is not seen.
std::string json_quoted(std::string_view text);

}  // namespace weir
