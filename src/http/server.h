#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <variant>

#include "base/result.h"
#include "http/cut.h"
#include "http/message.h"
#include "http/reply.h"
#include "http/tls.h"
#include "model/listen_address.h"

namespace weir::http {

struct ServerOptions {
  ListenAddress address = {};
  size_t workers = 2;             ///< handlers that run at once; more wait, each in its connection
  size_t most_connections = 256;  ///< beyond: who has not asked for longest goes, else 503
  size_t head_bytes = 16 * 1024;
  uint64_t body_bytes = 1024 * 1024;            ///< unless `admit` says otherwise
  std::chrono::milliseconds head_time{10'000};  ///< from its first byte to its last
  std::chrono::milliseconds body_time{
      20'000};  ///< the same, and a second for each `body_rate` bytes
  uint64_t body_rate = 4096;
  std::chrono::milliseconds idle_time{60'000};   ///< between two requests
  std::chrono::milliseconds write_time{20'000};  ///< in which a client must take some of the answer
  /// The names it may be called by, without port; others get 421, so that no foreign page's name
  /// can be made to mean this listener. Empty: any.
  std::vector<std::string> hosts = {};
  std::optional<TlsFiles> tls = {};  ///< none: plain HTTP
};

/// Looks at a head before its body is read: the most bytes the body may have, or the answer that
/// ends it. Runs on the thread that reads, so it must be quick.
using Admission =
    std::function<std::variant<uint64_t, Response>(const RequestHead&, const std::string& peer)>;

/// HTTP/1.1 on one address. One thread accepts, reads and writes; workers have threads of their
/// own. A client that is slow, silent or hostile costs a connection for a bounded time, and nobody
/// else anything. Thread-safe.
class Server {
 public:
  /// Listens, and answers from now on. Errors: usage (the port is taken, or not ours), io,
  /// invalid_project (the certificate).
  static Result<std::unique_ptr<Server>> listen(ServerOptions options, Exchange exchange,
                                                Admission admit = nullptr);
  /// The same for answers that a worker gives when it is asked.
  static Result<std::unique_ptr<Server>> listen(ServerOptions options, Handler handler,
                                                Admission admit = nullptr);
  /// Drains without grace.
  ~Server();

  /// Where it listens; the port is the real one.
  const ListenAddress& address() const;
  size_t connections() const;
  /// Connections that were cut so far.
  CutCounts::Counts cut() const;

  /// Accepts no more, closes what is idle, finishes what has been asked within `grace`, then closes
  /// the rest. Replies that are given later go nowhere.
  void drain(std::chrono::milliseconds grace);

 private:
  class Loop;
  explicit Server(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace weir::http
