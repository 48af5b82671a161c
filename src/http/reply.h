#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "http/message.h"

namespace weir::http {

/// A body that is made while it is sent. For one thread.
class BodyWriter {
 public:
  /// Without finish() the client sees that the body broke off.
  virtual ~BodyWriter() = default;
  /// Waits while the client is slower than whoever writes. False: nobody reads any more.
  virtual bool write(std::string_view piece) = 0;
  virtual void finish() = 0;
  /// Whether nobody reads any more.
  virtual bool gone() const = 0;
  /// Breaks the body off, also while write() waits. From any thread.
  virtual void cut() = 0;
};

/// Where the answer to one request goes: once, from any thread, at any time before the server ends.
/// A reply that goes without an answer is a 500.
class Reply {
 public:
  /// What a connection does with it.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void send(Response response) = 0;
    virtual std::unique_ptr<BodyWriter> stream(Response head) = 0;
    /// See Reply; without a connection nobody leaves.
    virtual void watch_client() {}
    virtual bool client_left() const { return false; }
  };

  explicit Reply(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&& other) noexcept;
  ~Reply();

  void send(Response response);
  /// Sends the head; the body, of a length nobody knows yet, is written by the caller.
  std::unique_ptr<BodyWriter> stream(Response head);
  /// From now on a client that closes its side before it is answered counts as gone, and its
  /// connection is closed: for answers that are costly to make.
  void watch_client() { sink_->watch_client(); }
  /// Nobody waits for the answer any more.
  bool client_left() const { return sink_ != nullptr && sink_->client_left(); }
  explicit operator bool() const { return sink_ != nullptr; }  ///< it is still to be given

 private:
  void give_up();

  std::shared_ptr<Sink> sink_;
};

/// Takes a request on the thread that reads all connections, so it must be quick: gives the reply
/// to whoever will answer, and nothing; or what a worker is to do.
using Exchange = std::function<std::function<void()>(Request request, Reply reply)>;

/// Answers one request. Runs on a worker, several at once; must come back, for the server waits for
/// it when it ends. What it throws becomes 500.
using Handler = std::function<Response(const Request&)>;
Exchange answered_by(Handler handler);

}  // namespace weir::http
