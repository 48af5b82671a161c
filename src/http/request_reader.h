#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/message.h"

namespace weir::http {

struct ReadLimits {
  size_t head_bytes = 16 * 1024;      ///< request line and headers
  uint64_t body_bytes = 1024 * 1024;  ///< unless `allow_body` says otherwise
};

enum class ReadState {
  head,      ///< wants the rest of a head; `begun` tells whether any of it is here
  admitted,  ///< the head is here: look at it, then `read_body`
  body,      ///< wants the rest of the body
  complete,  ///< `take` the request
  refused,   ///< cannot be read on: `refusal` says why, and the connection must end
};

/// Turns the bytes of one connection into requests, one after the other; no socket, no clock. It
/// takes no more than what RFC 9112 says must be taken: bare line feeds, folded headers, white
/// space around names, repeated or signed lengths, lengths beside encodings, encodings other than
/// chunked are refused with a 4xx or 5xx, for a proxy before us may read them another way. One
/// thread.
class RequestReader {
 public:
  explicit RequestReader(const ReadLimits& limits);
  ~RequestReader();
  RequestReader(RequestReader&&) noexcept;
  RequestReader& operator=(RequestReader&&) noexcept;

  /// Takes more bytes, also those of requests to come (they are kept). Never call it in states
  /// admitted and complete with more than `limits` allow: stop reading from the socket meanwhile.
  ReadState feed(std::string_view bytes);
  ReadState state() const;

  /// Any byte of the next request is here.
  bool begun() const;
  /// From admitted on.
  const RequestHead& head() const;
  bool has_body() const;
  /// In state admitted: reads the body, of at most so many bytes.
  ReadState read_body(uint64_t most_bytes);
  ReadState read_body();
  /// Bytes of the body that have come.
  uint64_t body_received() const;

  /// In state complete: the request. The next one begins; go on with `feed`, also of nothing.
  Request take();
  /// In state refused.
  const Response& refusal() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::http
