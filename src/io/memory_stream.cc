#include "io/memory_stream.h"

#include <algorithm>
#include <cstring>

namespace weir::io {

Result<size_t> MemoryStream::read(char* buffer, size_t capacity) {
  const size_t count = std::min(capacity, bytes_.size() - position_);
  if (count > 0) std::memcpy(buffer, bytes_.data() + position_, count);
  position_ += count;
  return count;
}

}  // namespace weir::io
