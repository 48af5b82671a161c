#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "postgres/row_encoder.h"

namespace weir::postgres {

/// So many buffers and no more, which go around between one thread that fills them and one that
/// empties them. Thread-safe.
class BufferQueue {
 public:
  BufferQueue(size_t buffers, size_t bytes) : most_(buffers), bytes_(bytes) {}

  /// An empty buffer; waits until there is one. nullopt once nobody empties them any more.
  std::optional<ByteBuffer> take_empty();
  void push_full(ByteBuffer buffer);
  /// No more full ones will come.
  void close();

  /// The next full buffer; waits for one. nullopt when there will be none.
  std::optional<ByteBuffer> take_full();
  void push_empty(ByteBuffer buffer);
  /// Nobody takes full ones any more; those that wait are gone.
  void stop();

  /// How many buffers were ever made.
  size_t made() const;

 private:
  const size_t most_;
  const size_t bytes_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ByteBuffer> empty_;
  std::deque<ByteBuffer> full_;
  size_t made_ = 0;
  bool closed_ = false;
  bool stopped_ = false;
};

}  // namespace weir::postgres
