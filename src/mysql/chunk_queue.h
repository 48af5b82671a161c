#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "mysql/text_buffer.h"

namespace weir::mysql {

/// Encoded rows on their way from the thread that encodes to the one that sends. Bounded; large
/// chunks, since waking another core is dear.
class ChunkQueue {
 public:
  explicit ChunkQueue(size_t capacity) : capacity_(capacity) {}

  /// Waits for room; false when the queue was stopped: the chunk is dropped.
  bool push(TextBuffer chunk);
  /// No more will come.
  void close();
  /// Both sides give up at once.
  void stop();
  /// Waits for the next chunk; nullopt at the end, or when it was stopped.
  std::optional<TextBuffer> pop();
  bool stopped() const;

  /// An emptied chunk's memory, for the encoder to fill again.
  void recycle(TextBuffer chunk);
  TextBuffer spare();

 private:
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable more_;
  std::deque<TextBuffer> chunks_;
  std::deque<TextBuffer> spares_;
  bool closed_ = false;
  bool stopped_ = false;
};

}  // namespace weir::mysql
