#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/reply.h"

namespace weir::api {

/// An answer whose head goes with its first bytes, so that what fails before them is a problem, and
/// what fails behind them breaks the body off. One thread writes; another may look whether the
/// client is still there, and end it.
class QueryAnswer {
 public:
  /// `held` is let go just before the client is told the end: who asks again at once finds it free.
  QueryAnswer(http::Reply reply, std::string content_type, std::shared_ptr<void> held)
      : reply_(std::move(reply)), content_type_(std::move(content_type)), held_(std::move(held)) {
    reply_.watch_client();
  }

  /// What is gathered; add to it, then call `flow`.
  std::string& buffer() { return buffer_; }
  /// Sends what is gathered when it is enough for a piece. False: nobody reads any more.
  bool flow() { return buffer_.size() < piece_bytes || flush(); }
  /// All was written. False: nobody reads any more.
  bool finish();
  /// It is not to be completed: a problem when nothing was sent, else the body is cut.
  void fail(http::Response problem);

  /// Nobody waits for it any more. From any thread.
  bool gone() const;
  /// Ends a write that waits for the client. From any thread.
  void cut();

 private:
  static constexpr size_t piece_bytes = 64 * 1024;
  bool flush();

  mutable std::mutex mutex_;  // guards reply_, body_ and held_ themselves, not what they lead to
  http::Reply reply_;
  std::shared_ptr<http::BodyWriter> body_;
  const std::string content_type_;
  std::shared_ptr<void> held_;
  std::string buffer_;  // of the thread that writes, like what is below
  bool read_ = true;    // somebody still reads
};

}  // namespace weir::api
