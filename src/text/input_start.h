#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "text/record_block.h"

namespace weir::text {

/// So many first bytes decide about the encoding.
inline constexpr size_t encoding_bytes = 4;

/// Takes the first bytes of a text (all of it when it is shorter than encoding_bytes): gives the
/// length of the UTF-8 byte order mark, 0 without one. Errors: invalid_input, naming what it is
/// instead of UTF-8: UTF-16, UTF-32, gzip, zstd, binary.
Result<size_t> check_encoding(std::string_view start);

/// How far JSON is looked at to tell its layout.
inline constexpr size_t layout_bytes = 1u << 20;

/// Lines or values? `start` begins with the first '{'. None: more is needed to tell, which never
/// happens from layout_bytes on or `at_end`.
std::optional<RecordLayout> detect_layout(std::string_view start, bool at_end);

/// Errors: invalid_project: a dialect that contradicts itself, a limit that cannot be kept.
Result<void> check_options(const RecordOptions& options);

}  // namespace weir::text
