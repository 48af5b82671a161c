#pragma once

#include <functional>
#include <string>

#include "mysql/chunk_queue.h"

namespace weir::mysql {

/// Of the error when a load is stopped, or the server asks for what it does not get. MySQL's client
/// has it for a LOCAL INFILE that is refused; no server sends it.
constexpr unsigned given_up = 2068;

/// What LOAD DATA LOCAL INFILE reads: chunks of a queue, never a file. A server may answer any
/// statement by asking for a file of the client's; all it gets is what a load put into the queue,
/// under a name that the load made up, and once.
class Infile {
 public:
  /// From now on the server may ask for the name that this gives. `accepted` is called, on the
  /// sending thread, when it does.
  std::string offer(ChunkQueue& queue, std::function<void()> accepted);
  void withdraw();

  /// The client library's callbacks. 0 = fine.
  int open(const char* name);
  /// How many bytes were given; 0 at the end; -1 when the load was stopped.
  int read(char* to, unsigned room);
  const std::string& message() const { return message_; }

 private:
  ChunkQueue* queue_ = nullptr;
  std::function<void()> accepted_;
  std::string name_;
  TextBuffer chunk_;
  size_t given_ = 0;  ///< of the chunk
  std::string message_;
};

}  // namespace weir::mysql
