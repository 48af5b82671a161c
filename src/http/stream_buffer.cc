#include "http/stream_buffer.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::http {

bool StreamBuffer::write(std::string_view piece) {
  while (!piece.empty()) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return state_ != State::open || bytes_.size() < capacity; });
    if (state_ != State::open) return false;
    const std::string_view part = piece.substr(0, capacity);
    if (framing_ == Framing::chunked) {
      bytes_ += fmt::format("{:x}\r\n", part.size());
      bytes_ += part;
      bytes_ += "\r\n";
    } else {
      bytes_ += part;
    }
    piece.remove_prefix(part.size());
    wake_if_starved(lock);
  }
  const std::lock_guard lock(mutex_);
  return state_ == State::open;
}

void StreamBuffer::wake_if_starved(std::unique_lock<std::mutex>& lock) {
  const bool starved = std::exchange(starved_, false);
  lock.unlock();
  if (starved) wake_();
}

void StreamBuffer::finish() {
  std::unique_lock lock(mutex_);
  if (state_ != State::open) return;
  if (framing_ == Framing::chunked) bytes_ += "0\r\n\r\n";
  state_ = State::finished;
  wake_if_starved(lock);
}

void StreamBuffer::break_off() {
  std::unique_lock lock(mutex_);
  if (state_ != State::open) return;
  state_ = State::broken;
  room_.notify_all();
  wake_if_starved(lock);
}

bool StreamBuffer::closed() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::closed;
}

StreamBuffer::Taken StreamBuffer::take(std::string& out) {
  {
    const std::lock_guard lock(mutex_);
    if (!bytes_.empty()) {
      out = std::move(bytes_);
      bytes_ = {};
    } else if (state_ == State::finished) {
      return Taken::end;
    } else if (state_ != State::open) {
      return Taken::broken;
    } else {
      starved_ = true;
      return Taken::nothing_yet;
    }
  }
  room_.notify_all();
  return Taken::bytes;
}

void StreamBuffer::close() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::broken) state_ = State::closed;  // who broke it off was not left
  }
  room_.notify_all();
}

}  // namespace weir::http
