#pragma once

#include <string>
#include <string_view>

namespace weir::io {

/// `bytes` as one gzip member. For small things: all of it is in memory.
std::string gzip_packed(std::string_view bytes);
/// `bytes` as one zstd frame.
std::string zstd_packed(std::string_view bytes);

}  // namespace weir::io
