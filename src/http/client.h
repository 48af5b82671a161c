#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/response_head.h"
#include "model/network_fence.h"

namespace weir::http {

/// What is asked of somebody else's server.
struct ClientRequest {
  std::string url;  ///< http:// or https://; user info in it is sent as basic authorization
  bool post = false;
  std::string body;  ///< of a post
  /// Sent to the URL's own origin only: they may be credentials, and a redirect may lead anywhere.
  std::vector<HeaderField> headers;
  /// Sent wherever redirects lead.
  std::vector<HeaderField> plain_headers;
  int most_redirects = 10;                            ///< 0: a redirect is an answer like any other
  std::chrono::milliseconds timeout{60'000};          ///< of all of it
  std::chrono::milliseconds connect_timeout{30'000};  ///< of each connection
  /// Less than 1 kB in this time (connecting aside) ends it. 0 = no such limit.
  std::chrono::milliseconds stall{0};
};

/// Takes the answer as it comes in, on the thread that sends.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  /// Once, before the body; never for a redirect that is followed. An error ends the transfer.
  virtual Result<void> head(const ResponseHead& head) = 0;
  /// The next bytes, as sent: a content-encoding is not undone. An error ends the transfer.
  virtual Result<void> body(std::string_view bytes) = 0;
};

struct ClientOptions {
  NetworkFence fence;
  /// Certificates trusted besides the system's (PEM); empty = none. Servers are always verified.
  std::string ca_file;
};

/// Sends requests and keeps connections for the next one. One thread at a time. Proxies of the
/// environment are not used: the fence could not see whom they connect to.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// The head of the answer once its body has come in whole. Any status is an answer. `cancel` may
  /// be set by another thread; it is looked at ten times a second.
  /// Errors, none of which shows user info, query values or headers: unavailable (no connection, no
  /// answer in time, an answer that breaks off), cancelled, invalid_input (behind the fence, a
  /// certificate that does not hold, no URL, redirects that lead nowhere, headers too long), and
  /// those of `sink`.
  Result<ResponseHead> send(const ClientRequest& request, ResponseSink& sink,
                            const std::atomic<bool>& cancel);

 private:
  struct Connections;
  ClientOptions options_;
  std::unique_ptr<Connections> connections_;
};

}  // namespace weir::http
