#pragma once

#include <string>
#include <vector>

#include "text/json.h"

namespace weir::cli {

/// A `top` frame as lines for a terminal of that size; nothing in them steers it. Width 0: do not
/// cut; height 0: all lines.
std::vector<std::string> top_lines(const text::Json& frame, size_t width, size_t height);

}  // namespace weir::cli
