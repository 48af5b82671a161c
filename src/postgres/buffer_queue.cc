#include "postgres/buffer_queue.h"

namespace weir::postgres {

std::optional<ByteBuffer> BufferQueue::take_empty() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || !empty_.empty() || made_ < most_; });
  if (stopped_) return std::nullopt;
  if (empty_.empty()) {
    ++made_;
    return ByteBuffer(bytes_);
  }
  ByteBuffer buffer = std::move(empty_.back());
  empty_.pop_back();
  return buffer;
}

void BufferQueue::push_full(ByteBuffer buffer) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  full_.push_back(std::move(buffer));
  changed_.notify_all();
}

void BufferQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::optional<ByteBuffer> BufferQueue::take_full() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || closed_ || !full_.empty(); });
  if (stopped_ || full_.empty()) return std::nullopt;
  ByteBuffer buffer = std::move(full_.front());
  full_.pop_front();
  return buffer;
}

void BufferQueue::push_empty(ByteBuffer buffer) {
  const std::lock_guard lock(mutex_);
  // One that a very long row made grow would keep its memory for the rest of the load.
  if (buffer.capacity() > 2 * bytes_) buffer = ByteBuffer(bytes_);
  buffer.clear();
  empty_.push_back(std::move(buffer));
  changed_.notify_all();
}

void BufferQueue::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  full_.clear();
  changed_.notify_all();
}

size_t BufferQueue::made() const {
  const std::lock_guard lock(mutex_);
  return made_;
}

}  // namespace weir::postgres
