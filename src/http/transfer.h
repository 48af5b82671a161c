#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "http/client.h"
#include "text/url.h"

// libcurl's handles by the names its own header gives them, which only sources see.
typedef void CURL;
typedef void CURLM;

namespace weir::http {

using Deadline = std::chrono::steady_clock::time_point;

/// One request to one server and its answer: a hop of what a Client sends.
class Transfer {
 public:
  /// `own_origin`: the request's headers are for this server. `follow`: a redirect is not for the
  /// sink.
  Transfer(const ClientRequest& request, const text::Url& parsed, const std::string& url,
           bool own_origin, bool follow, ResponseSink& sink);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Result<void> run(CURLM* multi, CURL* easy, const ClientOptions& options, Deadline deadline,
                   const std::atomic<bool>& cancel);
  const ResponseHead& head() const;
  /// Where a redirect leads, made absolute; empty when that cannot be told.
  const std::string& redirect() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::http
