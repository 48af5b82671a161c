#include "http/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.h"
#include "http/request_reader.h"
#include "http/response_text.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

/// How long, and for how much, a connection that is refused is still read, so that the client sees
/// the answer instead of a reset.
constexpr milliseconds linger_time{2'000};
constexpr size_t linger_bytes = 1u << 20;
/// Before another try to accept when the system has no room.
constexpr milliseconds accept_pause{100};

constexpr std::string_view crowded =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
    "connection: close\r\n\r\n";

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

/// "localhost" of "LocalHost:80", "[::1]" of "[::1]:80".
std::string host_name(std::string_view host) {
  const size_t bracket = host.find(']');
  const size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string name(host.substr(0, colon));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
  return name;
}

}  // namespace

class Server::Loop {
 public:
  Loop(ServerOptions options, Handler handler, Admission admit)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        admit_(std::move(admit)),
        acceptor_(io_),
        accept_timer_(io_),
        workers_(std::max<size_t>(options_.workers, 1)) {}
  ~Loop() { drain(milliseconds(0)); }

  Result<void> listen();
  void drain(milliseconds grace);
  const ListenAddress& address() const { return options_.address; }
  size_t connections() const {
    const std::lock_guard lock(mutex_);
    return open_;
  }

 private:
  class Connection;

  void accept();
  void accepted(const error_code& error, tcp::socket socket);
  bool make_room();
  void forget(const std::shared_ptr<Connection>& connection);
  void close_waiting();
  void close_all();

  ServerOptions options_;
  const Handler handler_;
  const Admission admit_;

  asio::io_context io_{1};
  /// The loop must outlast the handlers, whose answers it does not know of yet.
  asio::executor_work_guard<asio::io_context::executor_type> at_work_{io_.get_executor()};
  tcp::acceptor acceptor_;
  asio::steady_timer accept_timer_;
  asio::thread_pool workers_;
  std::thread thread_;
  std::set<std::shared_ptr<Connection>> all_;  // of the io thread
  std::array<char, 64 * 1024> incoming_{};     // of the io thread: what was just read
  bool draining_ = false;                      // of the io thread

  std::mutex drain_mutex_;  // one drain at a time
  mutable std::mutex mutex_;
  std::condition_variable closed_;
  size_t open_ = 0;  // guarded by mutex_
};

/// One client. Everything happens on the io thread but the handler.
class Server::Loop::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Loop& loop, tcp::socket socket)
      : loop_(loop),
        socket_(std::move(socket)),
        timer_(loop.io_),
        reader_({loop.options_.head_bytes, loop.options_.body_bytes}) {}

  void start() {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
    const auto peer = socket_.remote_endpoint(ignored);
    if (!ignored) peer_ = peer.address().to_string();
    phase_ = Phase::head;  // a client that connects has something to say
    expect_by(steady_now() + loop_.options_.head_time);
    wait_readable();
  }
  /// It has no whole head here: nothing is lost when it is closed.
  bool waits() const { return phase_ == Phase::idle || phase_ == Phase::head; }
  SteadyTime waits_since() const { return waits_since_; }
  void close();

 private:
  enum class Phase { idle, head, body, handling, writing, lingering, closed };

  void wait_readable();
  void read_some();
  void advance(ReadState state);
  void begin_body();
  void handle();
  void answer(Response response, After after);
  void write_some();
  void written();
  void linger();
  void expect_by(SteadyTime time);
  void timed_out();
  bool reading() const {
    return phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body;
  }

  Loop& loop_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  RequestReader reader_;
  Phase phase_ = Phase::idle;
  bool waiting_ = false;  // for the socket to be readable
  SteadyTime waits_since_ = steady_now();
  SteadyTime body_begun_{};
  std::string peer_;
  std::string head_, body_;  // of the answer
  size_t sent_ = 0;          // of both
  After after_ = After::close;
  bool head_request_ = false;
  size_t lingered_ = 0;
};

void Server::Loop::Connection::expect_by(SteadyTime time) {
  timer_.expires_at(time);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    // A timer that was set anew while its end was on the way.
    if (error || self->timer_.expiry() > steady_now()) return;
    self->timed_out();
  });
}

void Server::Loop::Connection::timed_out() {
  switch (phase_) {
    case Phase::head:
    case Phase::body:
      if (!reader_.begun()) return close();  // connected and said nothing
      return answer(problem(408, "the request did not come in time"), After::close);
    case Phase::handling:
    case Phase::closed: return;
    case Phase::idle:
    case Phase::writing:
    case Phase::lingering: return close();
  }
}

void Server::Loop::Connection::wait_readable() {
  if (waiting_) return;
  waiting_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
    self->waiting_ = false;
    if (error) {
      if (error != asio::error::operation_aborted) self->close();
      return;
    }
    self->read_some();
  });
}

void Server::Loop::Connection::read_some() {
  const bool lingering = phase_ == Phase::lingering;
  if (!reading() && !lingering) return;
  error_code error;
  const size_t got = socket_.read_some(asio::buffer(loop_.incoming_), error);
  if (error == asio::error::would_block) return wait_readable();
  if (error) return close();
  if (lingering) {
    lingered_ += got;
    return lingered_ > linger_bytes ? close() : wait_readable();
  }
  if (phase_ == Phase::idle) {
    phase_ = Phase::head;
    expect_by(steady_now() + loop_.options_.head_time);
  }
  advance(reader_.feed({loop_.incoming_.data(), got}));
}

void Server::Loop::Connection::advance(ReadState state) {
  switch (state) {
    case ReadState::head: return wait_readable();
    case ReadState::admitted: return begin_body();
    case ReadState::complete: return handle();
    case ReadState::refused: return answer(reader_.refusal(), After::close);
    case ReadState::body: {
      const auto earned = std::chrono::seconds(reader_.body_received() /
                                               std::max<uint64_t>(loop_.options_.body_rate, 1));
      expect_by(body_begun_ + loop_.options_.body_time + earned);
      return wait_readable();
    }
  }
}

void Server::Loop::Connection::begin_body() {
  phase_ = Phase::body;
  body_begun_ = steady_now();
  const RequestHead& head = reader_.head();
  head_request_ = head.method == "HEAD";
  const std::vector<std::string>& hosts = loop_.options_.hosts;
  const std::string* host = find_header(head.headers, "host");
  if (!hosts.empty() &&
      (host == nullptr || std::ranges::find(hosts, host_name(*host)) == hosts.end())) {
    return answer(problem(421, "this listener is not called by that name"), After::close);
  }
  uint64_t most = loop_.options_.body_bytes;
  if (loop_.admit_) {
    auto admitted = loop_.admit_(head);
    if (auto* refused = std::get_if<Response>(&admitted)) {
      const bool keep = head.keep_alive && !reader_.has_body();
      if (keep && reader_.read_body(0) == ReadState::complete) reader_.take();
      return answer(std::move(*refused), keep ? After::keep : After::close);
    }
    most = std::get<uint64_t>(admitted);
  }
  const bool expected = head.expects_continue;
  const ReadState state = reader_.read_body(most);
  if (expected && state == ReadState::body && reader_.body_received() == 0) {
    // 25 bytes into an empty socket buffer: they fit, or the client is beyond help.
    error_code ignored;
    socket_.write_some(asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")), ignored);
  }
  advance(state);
}

void Server::Loop::Connection::handle() {
  phase_ = Phase::handling;
  timer_.cancel();
  auto request = std::make_shared<Request>(reader_.take());
  request->peer = peer_;
  const After after = request->head.keep_alive ? After::keep : After::close;
  asio::post(loop_.workers_, [self = shared_from_this(), request, after] {
    Response response;
    try {
      response = self->loop_.handler_(*request);
    } catch (const std::exception& problem_met) {
      log::error("{} {}: {}", request->head.method, request->head.path, problem_met.what());
      response = problem(500, "weir could not answer this; its log says why");
    }
    asio::post(self->loop_.io_, [self, after, response = std::move(response)]() mutable {
      if (self->phase_ == Phase::handling) self->answer(std::move(response), after);
    });
  });
}

void Server::Loop::Connection::answer(Response response, After after) {
  phase_ = Phase::writing;
  after_ = loop_.draining_ ? After::close : after;
  head_ = head_text(response, after_, std::chrono::system_clock::now());
  body_ = head_request_ ? std::string() : std::move(response.body);
  sent_ = 0;
  write_some();
}

void Server::Loop::Connection::write_some() {
  expect_by(steady_now() + loop_.options_.write_time);
  const size_t head_sent = std::min(sent_, head_.size());
  const size_t body_sent = sent_ - head_sent;
  const std::array<asio::const_buffer, 2> left = {
      asio::buffer(head_.data() + head_sent, head_.size() - head_sent),
      asio::buffer(body_.data() + body_sent, body_.size() - body_sent)};
  socket_.async_write_some(left, [self = shared_from_this()](const error_code& error, size_t sent) {
    if (self->phase_ != Phase::writing) return;
    if (error) return self->close();
    self->sent_ += sent;
    if (self->sent_ < self->head_.size() + self->body_.size()) return self->write_some();
    self->written();
  });
}

void Server::Loop::Connection::written() {
  head_ = {};
  body_ = {};
  head_request_ = false;
  if (after_ == After::close || loop_.draining_ || reader_.state() != ReadState::head) {
    return reader_.begun() ? linger() : close();
  }
  waits_since_ = steady_now();
  const ReadState state = reader_.feed({});  // of a client that did not wait for the answer
  phase_ = reader_.begun() ? Phase::head : Phase::idle;
  expect_by(waits_since_ + (reader_.begun() ? loop_.options_.head_time : loop_.options_.idle_time));
  advance(state);
}

/// What is closed with bytes unread is reset, and the client may never see the answer.
void Server::Loop::Connection::linger() {
  phase_ = Phase::lingering;
  error_code error;
  socket_.shutdown(tcp::socket::shutdown_send, error);
  if (error) return close();
  expect_by(steady_now() + linger_time);
  wait_readable();
}

void Server::Loop::Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  loop_.forget(shared_from_this());
}

Result<void> Server::Loop::listen() {
  error_code error;
  const auto host = asio::ip::make_address(options_.address.host, error);
  const auto failure = [&](const char* what) {
    const bool taken = error == asio::error::address_in_use;
    return fail(
        taken || error == asio::error::access_denied ? ErrorCode::usage : ErrorCode::io,
        fmt::format("cannot {} {}: {}", what, options_.address.to_string(), error.message()),
        taken ? "choose another port, or stop what listens there; port 0 is any free one" : "");
  };
  if (error) return failure("listen on");
  const tcp::endpoint endpoint(host, options_.address.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failure("listen on");
  options_.address.port = acceptor_.local_endpoint(error).port();
  accept();
  thread_ = std::thread([this] { io_.run(); });
  return {};
}

void Server::Loop::accept() {
  acceptor_.async_accept(
      [this](const error_code& error, tcp::socket socket) { accepted(error, std::move(socket)); });
}

void Server::Loop::accepted(const error_code& error, tcp::socket socket) {
  if (draining_ || error == asio::error::operation_aborted) return;
  if (error) {
    log::warning("cannot accept a connection on {}: {}", address().to_string(), error.message());
    accept_timer_.expires_after(accept_pause);
    accept_timer_.async_wait([this](const error_code& stopped) {
      if (!stopped) accept();
    });
    return;
  }
  if (all_.size() < options_.most_connections || make_room()) {
    const auto connection = std::make_shared<Connection>(*this, std::move(socket));
    all_.insert(connection);
    {
      const std::lock_guard lock(mutex_);
      ++open_;
    }
    connection->start();
  } else {
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(crowded), ignored);
  }
  accept();
}

/// Closes the connection that has kept us waiting longest for a request; false when all of them are
/// at work. Who sends a head in drops makes room for those who do not.
bool Server::Loop::make_room() {
  std::shared_ptr<Connection> oldest;
  for (const auto& connection : all_) {
    if (connection->waits() && (!oldest || connection->waits_since() < oldest->waits_since())) {
      oldest = connection;
    }
  }
  if (oldest) oldest->close();
  return oldest != nullptr;
}

void Server::Loop::forget(const std::shared_ptr<Connection>& connection) {
  all_.erase(connection);
  {
    const std::lock_guard lock(mutex_);
    --open_;
  }
  closed_.notify_all();
}

void Server::Loop::close_waiting() {
  const auto all = all_;
  for (const auto& connection : all) {
    if (connection->waits()) connection->close();
  }
}

void Server::Loop::close_all() {
  const auto all = all_;
  for (const auto& connection : all) connection->close();
}

void Server::Loop::drain(milliseconds grace) {
  const std::lock_guard one_at_a_time(drain_mutex_);
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    draining_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    accept_timer_.cancel();
    close_waiting();
  });
  {
    std::unique_lock lock(mutex_);
    closed_.wait_for(lock, grace, [this] { return open_ == 0; });
  }
  asio::post(io_, [this] { close_all(); });
  workers_.join();
  at_work_.reset();  // no more answers come: the loop ends when nothing is left to wait for
  thread_.join();
}

Server::Server(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, Handler handler,
                                               Admission admit) {
  auto loop = std::make_unique<Loop>(std::move(options), std::move(handler), std::move(admit));
  WEIR_TRY(loop->listen());
  return std::unique_ptr<Server>(new Server(std::move(loop)));
}

const ListenAddress& Server::address() const { return loop_->address(); }
size_t Server::connections() const { return loop_->connections(); }
void Server::drain(milliseconds grace) { loop_->drain(grace); }

}  // namespace weir::http
