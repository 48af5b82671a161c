#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "io/descriptor.h"

namespace weir::owner {

/// How long one step of an exchange may take.
struct Patience {
  static constexpr std::chrono::milliseconds forever = std::chrono::milliseconds::max();
  std::chrono::milliseconds limit = forever;  ///< without one byte of progress
  int interrupt_fd = -1;                      ///< becomes readable: give up
};

enum class Exchange { done, closed, too_long, timed_out, interrupted };

/// Lines over a connected, non-blocking stream socket. One thread, but for `shut_down`.
class LineChannel {
 public:
  LineChannel(io::Descriptor socket, size_t max_line_bytes);

  /// Reads one line, without its '\n'. closed: also when the other side broke off in mid-line.
  Exchange read_line(std::string& line, const Patience& patience);
  /// Writes all of `bytes`. closed: the other side is gone.
  Exchange write(std::string_view bytes, const Patience& patience);

  /// Whether the other side has gone away, as far as is known. From any thread.
  bool is_closed() const;
  /// Ends the connection in both directions; wakes a thread that reads or writes. From any thread.
  void shut_down();
  /// User id of the process on the other side; none when the system does not say.
  std::optional<uid_t> peer_user() const;

 private:
  Exchange wait_for(short events, const Patience& patience) const;

  io::Descriptor socket_;
  size_t max_line_bytes_;
  std::string buffer_;  // read, not yet returned
  size_t scanned_ = 0;  // bytes of it known to hold no '\n'
};

}  // namespace weir::owner
