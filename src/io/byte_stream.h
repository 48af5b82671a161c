#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace weir::io {

/// Bytes read forward. One thread at a time.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Reads up to `capacity` bytes; fewer only at the end; 0 = end. Errors: io, invalid_input.
  virtual Result<size_t> read(char* buffer, size_t capacity) = 0;
  /// Bytes in all, or 0 when not known beforehand.
  virtual uint64_t size_bytes() const = 0;
};

}  // namespace weir::io
