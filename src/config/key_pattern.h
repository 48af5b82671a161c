#pragma once

#include <string_view>

namespace weir::config {

/// Whether some object key matches both patterns. `*` is any part of one folder's name, `**` any
/// part of a path, `?` one character other than '/'.
bool patterns_meet(std::string_view a, std::string_view b);

/// Patterns beyond this length are refused: keys are not longer either (S3's bound).
constexpr size_t longest_pattern = 1024;

}  // namespace weir::config
