#include "mysql/chunk_queue.h"

#include <utility>

namespace weir::mysql {

bool ChunkQueue::push(TextBuffer chunk) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return stopped_ || chunks_.size() < capacity_; });
  if (stopped_) return false;
  chunks_.push_back(std::move(chunk));
  more_.notify_one();
  return true;
}

void ChunkQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  more_.notify_all();
}

void ChunkQueue::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  chunks_.clear();
  more_.notify_all();
  room_.notify_all();
}

std::optional<TextBuffer> ChunkQueue::pop() {
  std::unique_lock lock(mutex_);
  more_.wait(lock, [&] { return stopped_ || closed_ || !chunks_.empty(); });
  if (stopped_ || chunks_.empty()) return std::nullopt;
  TextBuffer chunk = std::move(chunks_.front());
  chunks_.pop_front();
  room_.notify_one();
  return chunk;
}

bool ChunkQueue::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

void ChunkQueue::recycle(TextBuffer chunk) {
  chunk.clear();
  const std::lock_guard lock(mutex_);
  if (spares_.size() <= capacity_) spares_.push_back(std::move(chunk));
}

TextBuffer ChunkQueue::spare() {
  const std::lock_guard lock(mutex_);
  if (spares_.empty()) return {};
  TextBuffer chunk = std::move(spares_.front());
  spares_.pop_front();
  return chunk;
}

}  // namespace weir::mysql
