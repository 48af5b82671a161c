#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "owner/line_channel.h"
#include "owner/protocol.h"
#include "owner/state_directory.h"

namespace weir::owner {

struct ServerOptions {
  size_t max_requests = 128;                        ///< answered at once; more wait in the backlog
  std::chrono::milliseconds request_limit{10'000};  ///< to send a request once connected
  std::chrono::milliseconds stall_limit{300'000};   ///< a client that reads nothing so long is cut
};

/// The owner's side of `.weir/<env>/sock`: one thread per request, so that a stuck client holds up
/// nobody but itself. Only who holds the lock may make one. The public calls are thread-safe.
class Server {
 public:
  /// Puts the socket in place; clients connect from now on and wait until `serve`. Takes away what
  /// a dead owner left. Errors: io.
  static Result<std::unique_ptr<Server>> listen(const StateDirectory& directory, Identity self,
                                                const ServerOptions& options = {});
  /// Stops accepting, cuts what is in flight, waits for its threads, removes the socket.
  ~Server();

  /// Answers requests with `handler` from now on. Call once.
  void serve(Handler handler);

  /// Leaves politely: waits for the requests in flight, answering newer ones meanwhile, then stops
  /// accepting and waits for the rest. A client that was not heard gets no frame, and tries again.
  void leave();
  /// Stops accepting at once; requests in flight go on.
  void stop_accepting();
  /// Waits until no request is in flight; false when `limit` was not enough.
  bool wait_idle(std::chrono::milliseconds limit);
  /// Breaks the connections in flight off; their handlers learn it at their next frame.
  void cut();

  size_t in_flight() const;

 private:
  struct Session;

  Server(io::Descriptor directory, io::Descriptor socket, io::Descriptor wake, Identity self,
         const ServerOptions& options);
  void accept_loop();
  void start_session(io::Descriptor client);
  void answer(LineChannel& channel);
  Result<Request> read_request(LineChannel& channel) const;
  void reap();

  const io::Descriptor directory_;
  io::Descriptor socket_;
  const io::Descriptor wake_;
  const Identity self_;
  const ServerOptions options_;
  Handler handler_;
  std::thread acceptor_;

  mutable std::mutex mutex_;
  std::mutex stopping_;  // one thread at a time starts or joins the acceptor
  std::condition_variable changed_;
  std::list<Session> sessions_;  // guarded by mutex_
  uint64_t last_number_ = 0;     // of a session, guarded by mutex_
  bool closing_ = false;         // guarded by mutex_
};

}  // namespace weir::owner
