#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/json.h"

namespace weir::owner {

/// A longer request is refused.
constexpr size_t max_request_bytes = 4u << 20;
/// A longer frame is not sent; the request ends with an error instead.
constexpr size_t max_frame_bytes = 256u << 20;

/// Who holds a project: stands in the lock file and in the first frame of every answer.
struct Identity {
  pid_t pid = 0;
  std::string verb;     ///< "up", "run", …
  std::string version;  ///< weir's

  /// "weir up, pid 4711"
  std::string to_string() const;
};

/// What a client asks for: one line {"weir": version, "verb": …, "args": …} per connection.
struct Request {
  std::string version;
  std::string verb;
  text::Json args;
};

/// Receives the answer, frame by frame: objects with a member "frame" that names their kind. The
/// owner's half of a verb writes to it; it does not matter to it which side of a socket it is on.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  /// False: nobody reads any more, stop producing. Durable work already ordered goes on.
  virtual bool send(const text::Json& frame) = 0;
  /// Whether somebody still reads, as far as that can be told without sending. From any thread.
  virtual bool wanted() const { return true; }
};

/// Answers one request; an error becomes the last frame. Called from many threads at once.
using Handler = std::function<Result<void>(const Request&, FrameSink&)>;

std::string to_line(const Request& request);
/// Errors: invalid_input.
Result<Request> parse_request(std::string_view line);

text::Json to_json(const Identity& identity);
/// Errors: invalid_input.
Result<Identity> identity_from_json(const text::Json& json);

/// The frames this folder makes and reads itself; all others pass through.
text::Json hello_frame(const Identity& owner);
text::Json end_frame();
text::Json error_frame(const Error& error);

/// Errors: unavailable, when the two do not speak the same version.
Result<void> check_versions(std::string_view client, const Identity& owner);

}  // namespace weir::owner
