#include "postgres/row_encoder.h"

#include <algorithm>
#include <cstring>

namespace weir::postgres {

void ByteBuffer::reserve(size_t bytes) {
  if (room() >= bytes) return;
  const size_t capacity = std::max(size_ + bytes, capacity_ * 2);
  auto data = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ != 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

void ByteBuffer::append(const char* data, size_t bytes) {
  reserve(bytes);
  if (bytes != 0) std::memcpy(end(), data, bytes);
  grew(bytes);
}

}  // namespace weir::postgres
