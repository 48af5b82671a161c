#include "text/record_block.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace weir::text {

void BlockBuffer::reserve(size_t capacity) {
  if (capacity <= capacity_) return;
  // Large ones differ by the length of a record's beginning: with some room to spare one fits all.
  constexpr size_t spare = 256u << 10;
  if (capacity >= 4 * spare) capacity = (capacity / spare + 1) * spare;
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity + padding);
  if (size_ > 0) std::memcpy(bytes.get(), bytes_.get(), size_);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
}

void BlockBuffer::resize(size_t size) {
  WEIR_CHECK(size <= capacity_, "a buffer grows beyond its room");
  size_ = size;
}

void BlockBuffer::append(std::string_view bytes) {
  if (size_ + bytes.size() > capacity_) reserve(std::max(size_ + bytes.size(), capacity_ * 2));
  if (!bytes.empty()) std::memcpy(bytes_.get() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void BlockBuffer::drop_front(size_t count) {
  WEIR_CHECK(count <= size_, "more is taken than there is");
  size_ -= count;
  if (size_ > 0 && count > 0) std::memmove(bytes_.get(), bytes_.get() + count, size_);
}

void BlockBuffer::clear(size_t expected) {
  size_ = 0;
  if (capacity_ > 4 * std::max<size_t>(expected, 64u << 10)) {
    bytes_.reset();
    capacity_ = 0;
  }
}

}  // namespace weir::text
