#pragma once

#include <string>
#include <string_view>

namespace weir {

/// `text` as a JSON string, quotes included; one line, and valid UTF-8 whatever `text` holds: a
/// byte that is not UTF-8 becomes U+FFFD.
std::string json_quoted(std::string_view text);
/// The same, behind what `out` holds.
void append_json_quoted(std::string_view text, std::string& out);

}  // namespace weir
