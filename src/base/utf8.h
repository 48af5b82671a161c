#pragma once

#include <cstddef>
#include <string_view>

namespace weir {

/// Bytes of the well-formed UTF-8 sequence `text` begins with (1..4; RFC 3629: no overlong forms,
/// no surrogates); 0 when it begins with none.
size_t utf8_sequence_length(std::string_view text);

}  // namespace weir
