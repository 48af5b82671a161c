#include "owner/server.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>

#include "base/check.h"
#include "base/log.h"

namespace weir::owner {
namespace {

/// Frames to the client of one connection.
class ChannelSink final : public FrameSink {
 public:
  ChannelSink(LineChannel& channel, std::chrono::milliseconds stall_limit)
      : channel_(channel), stall_limit_(stall_limit) {}

  bool send(const text::Json& frame) override {
    if (!open_) return false;
    std::string line = frame.to_string();
    if (line.size() >= max_frame_bytes) {
      too_long_ = true;
      open_ = false;
      return false;
    }
    line += '\n';
    open_ = channel_.write(line, {.limit = stall_limit_}) == Exchange::done;
    return open_;
  }
  bool wanted() const override { return !channel_.is_closed(); }
  /// The last frame; goes out also after a frame that was too long.
  void finish(const Result<void>& result) {
    if (too_long_) {
      open_ = true;
      send(error_frame(Error{
          ErrorCode::invalid_input,
          fmt::format("one row of the answer is longer than {} MiB", max_frame_bytes >> 20)}));
    } else {
      send(result ? end_frame() : error_frame(result.error()));
    }
  }

 private:
  LineChannel& channel_;
  const std::chrono::milliseconds stall_limit_;
  bool open_ = true;
  bool too_long_ = false;
};

}  // namespace

struct Server::Session {
  Session(uint64_t number_given, io::Descriptor client)
      : number(number_given), channel(std::move(client), max_request_bytes) {}

  const uint64_t number;
  LineChannel channel;
  std::thread thread;
  bool finished = false;  // guarded by the server's mutex
};

Server::Server(io::Descriptor directory, io::Descriptor socket, io::Descriptor wake, Identity self,
               const ServerOptions& options)
    : directory_(std::move(directory)),
      socket_(std::move(socket)),
      wake_(std::move(wake)),
      self_(std::move(self)),
      options_(options) {}

Result<std::unique_ptr<Server>> Server::listen(const StateDirectory& directory, Identity self,
                                               const ServerOptions& options) {
  const std::string what = "cannot listen at " + (directory.path() / socket_name).string();
  // Bound and listening under another name first: under its own name it always answers.
  const std::string fresh_name = std::string(socket_name) + ".new";
  const int folder = directory.descriptor();
  if (::unlinkat(folder, fresh_name.c_str(), 0) != 0 && errno != ENOENT)
    return system_failure(what);

  io::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return system_failure(what);
  const sockaddr_un address = directory.address(fresh_name);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::fchmodat(folder, fresh_name.c_str(), 0600, 0) != 0 || ::listen(socket.get(), 1024) != 0 ||
      ::renameat(folder, fresh_name.c_str(), folder, socket_name) != 0) {
    return system_failure(what);
  }
  io::Descriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  io::Descriptor own_folder(::fcntl(folder, F_DUPFD_CLOEXEC, 0));
  if (!wake || !own_folder) return system_failure(what);
  return std::unique_ptr<Server>(new Server(std::move(own_folder), std::move(socket),
                                            std::move(wake), std::move(self), options));
}

Server::~Server() {
  stop_accepting();
  cut();
  wait_idle(std::chrono::milliseconds::max());
  reap();
  ::unlinkat(directory_.get(), socket_name, 0);
}

void Server::serve(Handler handler) {
  const std::lock_guard one(stopping_);  // a stop signal may come right now
  WEIR_CHECK(!acceptor_.joinable(), "a server serves once");
  handler_ = std::move(handler);
  acceptor_ = std::thread([this] { accept_loop(); });
}

void Server::accept_loop() {
  for (;;) {
    bool room = false;
    {
      const std::lock_guard lock(mutex_);
      if (closing_) return;
      room = sessions_.size() < options_.max_requests;
    }
    pollfd watched[2] = {{room ? socket_.get() : -1, POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) {
      log::error("the owner's socket cannot be watched: {}", std::strerror(errno));
      return;
    }
    if (watched[1].revents != 0) {
      eventfd_t count = 0;
      ::eventfd_read(wake_.get(), &count);
      reap();
    }
    if (watched[0].revents == 0) continue;
    io::Descriptor client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      start_session(std::move(client));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // The client stays in the backlog; looking again at once would only burn the processor.
      pollfd only_wake = {wake_.get(), POLLIN, 0};
      ::poll(&only_wake, 1, 100);
    }
  }
}

void Server::start_session(io::Descriptor client) {
  const std::lock_guard lock(mutex_);
  if (closing_) return;  // closed without a frame: the client tries again
  Session& session = sessions_.emplace_back(++last_number_, std::move(client));
  try {
    session.thread = std::thread([this, &session] {
      answer(session.channel);
      const std::lock_guard done_lock(mutex_);
      session.channel.shut_down();
      session.finished = true;
      changed_.notify_all();
      ::eventfd_write(wake_.get(), 1);
    });
  } catch (const std::system_error& error) {
    log::warning("no thread for a request: {}", error.what());
    sessions_.pop_back();
  }
}

Result<Request> Server::read_request(LineChannel& channel) const {
  std::string line;
  switch (channel.read_line(line, {.limit = options_.request_limit})) {
    case Exchange::done: break;
    case Exchange::too_long:
      return fail(ErrorCode::invalid_input,
                  fmt::format("the request is longer than {} MiB", max_request_bytes >> 20));
    default: return fail(ErrorCode::unavailable, "the client sent no request");
  }
  Request request = WEIR_TRY(parse_request(line));
  WEIR_TRY(check_versions(request.version, self_));
  return request;
}

void Server::answer(LineChannel& channel) {
  ChannelSink sink(channel, options_.stall_limit);
  const auto user = channel.peer_user();
  if (!user || *user != ::geteuid()) {
    sink.finish(fail(ErrorCode::unavailable,
                     fmt::format("{} serves user {} only", self_.to_string(), ::geteuid())));
    return;
  }
  const Result<Request> request = read_request(channel);
  if (!sink.send(hello_frame(self_))) return;
  if (!request) {
    sink.finish(fail(request.error()));
    return;
  }
  try {
    sink.finish(handler_(*request, sink));
  } catch (const std::exception& error) {  // out of memory: one request ends, the owner stays
    sink.finish(fail(ErrorCode::internal, std::string("the request broke off: ") + error.what()));
  }
}

void Server::reap() {
  std::list<Session> finished;
  {
    const std::lock_guard lock(mutex_);
    for (auto session = sessions_.begin(); session != sessions_.end();) {
      const auto next = std::next(session);
      if (session->finished) finished.splice(finished.end(), sessions_, session);
      session = next;
    }
  }
  for (Session& session : finished) session.thread.join();
}

void Server::leave() {
  {
    std::unique_lock lock(mutex_);
    const uint64_t last = last_number_;
    changed_.wait(lock, [&] {
      return std::all_of(sessions_.begin(), sessions_.end(), [&](const Session& session) {
        return session.finished || session.number > last;
      });
    });
  }
  stop_accepting();
  wait_idle(std::chrono::milliseconds::max());
}

void Server::stop_accepting() {
  const std::lock_guard one(stopping_);
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
  if (acceptor_.joinable()) acceptor_.join();
  socket_.close();  // who waits in the backlog is told so
}

bool Server::wait_idle(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const auto idle = [&] {
    return std::all_of(sessions_.begin(), sessions_.end(),
                       [](const Session& session) { return session.finished; });
  };
  if (limit == std::chrono::milliseconds::max()) {
    changed_.wait(lock, idle);
    return true;
  }
  return changed_.wait_for(lock, limit, idle);
}

void Server::cut() {
  const std::lock_guard lock(mutex_);
  for (Session& session : sessions_) session.channel.shut_down();
}

size_t Server::in_flight() const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(
      std::count_if(sessions_.begin(), sessions_.end(),
                    [](const Session& session) { return !session.finished; }));
}

}  // namespace weir::owner
