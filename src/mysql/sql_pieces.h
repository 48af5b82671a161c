#pragma once

#include <cstddef>
#include <string_view>

namespace weir::mysql {

/// Where the piece of SQL that begins at `at` ends: a string, a quoted name or a comment, else one
/// byte. Doubled quotes are two pieces side by side.
size_t piece_end(std::string_view sql, size_t at);

/// Whether the piece that begins with these bytes is a comment.
bool begins_comment(std::string_view sql);

}  // namespace weir::mysql
