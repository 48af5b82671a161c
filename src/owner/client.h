#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/result.h"
#include "owner/line_channel.h"
#include "owner/protocol.h"
#include "owner/state_directory.h"

namespace weir::owner {

struct CallOptions {
  int interrupt_fd = -1;  ///< becomes readable: detach
  /// Told once when the owner takes longer than `slow` to begin its answer.
  std::function<void()> on_slow = [] {};
  std::chrono::milliseconds slow{1'000};
};

enum class CallEnd {
  answered,     ///< the owner said `end`
  unheard,      ///< the owner left before it heard the request: claim again
  lost,         ///< the owner died, or was cut, in mid-answer
  interrupted,  ///< by `interrupt_fd`
  declined,     ///< the sink wanted no more
};

/// A connection to the owner, good for one call. One thread.
class Client {
 public:
  /// None when nobody listens. Errors: io, unavailable (another user's process listens).
  static Result<std::optional<Client>> connect(const StateDirectory& directory);

  /// Sends the request and passes the answer's frames to `sink`, all but hello, end and error.
  /// Errors: the owner's error frame; unavailable for another version; internal for nonsense.
  Result<CallEnd> call(const Request& request, FrameSink& sink, const CallOptions& options);

  /// Who answered; known once its first frame is here.
  const std::optional<Identity>& owner() const { return owner_; }

 private:
  explicit Client(io::Descriptor socket) : channel_(std::move(socket), max_frame_bytes) {}
  Result<std::optional<CallEnd>> take_frame(const Request& request, const std::string& line,
                                            FrameSink& sink);

  LineChannel channel_;
  std::optional<Identity> owner_;
};

}  // namespace weir::owner
