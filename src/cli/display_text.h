#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::cli {

/// Columns of a terminal that `text` takes: combining marks none, East Asian wide characters two.
/// For text that is safe to show (see below).
size_t display_width(std::string_view text);

enum class LineBreaks { keep, escape };

/// `text` with everything that could steer a terminal or hide text spelled out: control characters
/// as \n, \t, \x1b, C1 and bidirectional controls as \u{9b}, bytes that are not UTF-8 as \xff.
/// keep:
/// '\n' and '\t' stay.
std::string visible(std::string_view text, LineBreaks line_breaks);

/// At most `width` columns of `text`; what is cut off leaves an ellipsis.
std::string cut_to_width(std::string_view text, size_t width);

}  // namespace weir::cli
