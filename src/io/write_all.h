#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::io {

/// Writes all of `bytes` where the descriptor stands, however often the system interrupts.
/// `name` is what the error calls the file. Errors: io.
Result<void> write_all(int descriptor, std::string_view bytes, const std::string& name);
/// The same from `offset` on, leaving the descriptor where it stands.
Result<void> write_all_at(int descriptor, std::string_view bytes, uint64_t offset,
                          const std::string& name);

}  // namespace weir::io
