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
#include "http/channel.h"
#include "http/deadline.h"
#include "http/door.h"
#include "http/request_reader.h"
#include "http/response_text.h"
#include "http/stream_buffer.h"

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

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace

class Server::Loop {
 public:
  Loop(ServerOptions options, Exchange exchange, Admission admit)
      : options_(std::move(options)),
        exchange_(std::move(exchange)),
        admit_(std::move(admit)),
        acceptor_(io_),
        accept_timer_(io_),
        workers_(std::max<size_t>(options_.workers, 1)),
        door_(
            std::make_shared<Door>([this](Door::Work work) { asio::post(io_, std::move(work)); })) {
  }
  ~Loop() { drain(milliseconds(0)); }

  Result<void> listen();
  void drain(milliseconds grace);
  const ListenAddress& address() const { return options_.address; }
  size_t connections() const {
    const std::lock_guard lock(mutex_);
    return open_;
  }
  CutCounts::Counts cut() const { return cut_.counts(); }

 private:
  class Connection;
  class Answering;

  void accept();
  void accepted(const error_code& error, tcp::socket socket);
  bool make_room();
  void forget(const std::shared_ptr<Connection>& connection);
  void close_waiting();

  ServerOptions options_;
  const Exchange exchange_;
  const Admission admit_;
  std::unique_ptr<TlsIdentity> tls_;  // of the io thread

  asio::io_context io_{1};
  /// The loop must outlast the handlers, whose answers it does not know of yet.
  asio::executor_work_guard<asio::io_context::executor_type> at_work_{io_.get_executor()};
  tcp::acceptor acceptor_;
  asio::steady_timer accept_timer_;
  asio::thread_pool workers_;
  std::shared_ptr<Door> door_;
  std::thread thread_;
  std::set<std::shared_ptr<Connection>> all_;  // of the io thread
  std::array<char, 64 * 1024> incoming_{};     // of the io thread: what was just read
  bool draining_ = false;                      // of the io thread
  CutCounts cut_;

  std::mutex drain_mutex_;  // one drain at a time
  mutable std::mutex mutex_;
  std::condition_variable closed_;
  size_t open_ = 0;  // guarded by mutex_
};

/// One client. Everything happens on the io thread but the work an exchange leaves to workers.
class Server::Loop::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Loop& loop, tcp::socket socket)
      : loop_(loop),
        socket_(std::move(socket)),
        channel_(socket_.native_handle(), loop.tls_ ? loop.tls_->current() : nullptr),
        deadline_(asio::steady_timer(loop.io_)),
        reader_({loop.options_.head_bytes, loop.options_.body_bytes}) {}

  void start() {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
    const auto peer = socket_.remote_endpoint(ignored).address();
    if (!ignored) peer_ = peer.to_string();
    phase_ = loop_.tls_ ? Phase::greeting : Phase::head;  // who connects has something to say
    expect_by(steady_now() + loop_.options_.head_time);
    phase_ == Phase::greeting ? greet() : wait_readable();
  }
  /// It has no whole head here: nothing is lost when it is closed.
  bool waits() const {
    return phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::greeting;
  }
  SteadyTime waits_since() const { return waits_since_; }
  void close();
  /// The answer to the request that is being handled.
  void answer(Response response);
  /// The head of one whose body comes through `stream`.
  void answer(Response head, StreamReader stream);
  /// There may be more of the body.
  void stream_on();
  /// Who leaves before the answer is not waited for.
  void watch_for_leaving() {
    if (phase_ == Phase::handling && !std::exchange(watched_, true)) watch_for_end();
  }

 private:
  enum class Phase { greeting, idle, head, body, handling, writing, lingering, closed };

  void greet();
  void wait_readable();
  void read_some();
  void advance(ReadState state);
  void begin_body();
  void handle();
  void answer(Response response, After after);
  void write_some();
  void wait_writable();
  void watch_for_end();
  void written();
  void linger();
  void expect_by(SteadyTime time) {
    deadline_.set(time, [self = shared_from_this()] { self->timed_out(); });
  }
  void timed_out();
  Transport transport() const { return loop_.tls_ ? Transport::tls : Transport::plain; }
  bool reading() const {
    return phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body;
  }

  Loop& loop_;
  tcp::socket socket_;
  Channel channel_;
  Deadline<asio::steady_timer> deadline_;
  RequestReader reader_;
  Phase phase_ = Phase::idle;
  bool waiting_ = false;  // for the socket to be readable
  SteadyTime waits_since_ = steady_now();
  SteadyTime body_begun_{};
  std::string peer_;
  std::string head_, body_;  // of the answer
  size_t sent_ = 0;          // of both
  StreamReader stream_;      // where the rest of the body comes from
  After after_ = After::close;
  After after_handling_ = After::close;
  bool http_1_1_ = true;
  bool head_request_ = false;
  bool watched_ = false;  // while its request is handled
  size_t lingered_ = 0;
};

void Server::Loop::Connection::timed_out() {
  switch (phase_) {
    case Phase::head:
    case Phase::body:
      loop_.cut_.add(phase_ == Phase::head ? Cut::head_time : Cut::body_time);
      if (!reader_.begun()) return close();  // connected and said nothing
      return answer(problem(408, "the request did not come in time"), After::close);
    case Phase::handling:
    case Phase::closed: return;
    case Phase::greeting: loop_.cut_.add(Cut::head_time); return close();
    case Phase::idle: loop_.cut_.add(Cut::idle_time); return close();
    case Phase::writing: loop_.cut_.add(Cut::write_time); return close();
    case Phase::lingering: return close();
  }
}

void Server::Loop::Connection::greet() {
  const auto go_on = [self = shared_from_this()](const error_code& error) {
    if (self->phase_ != Phase::greeting) return;
    if (error) return self->close();
    self->greet();
  };
  switch (channel_.greet()) {
    case Channel::Need::nothing: phase_ = Phase::head; return wait_readable();
    case Channel::Need::readable: return socket_.async_wait(tcp::socket::wait_read, go_on);
    case Channel::Need::writable: return socket_.async_wait(tcp::socket::wait_write, go_on);
    case Channel::Need::closed: return close();
  }
}

void Server::Loop::Connection::wait_readable() {
  if (waiting_) return;
  if (channel_.holds_bytes()) {
    asio::post(loop_.io_, [self = shared_from_this()] { self->read_some(); });
    return;
  }
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
  const auto [got, need] = channel_.read(loop_.incoming_.data(), loop_.incoming_.size());
  if (need == Channel::Need::readable || need == Channel::Need::writable) return wait_readable();
  if (need == Channel::Need::closed) return close();
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
    case ReadState::refused:
      loop_.cut_.add(cut_by_refusal(reader_.refusal().status));
      return answer(reader_.refusal(), After::close);
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
  http_1_1_ = head.http_1_1;
  if (!loop_.options_.hosts.empty() && !is_called(head, loop_.options_.hosts)) {
    return answer(problem(421, "this listener is not called by that name"), After::close);
  }
  uint64_t most = loop_.options_.body_bytes;
  if (loop_.admit_) {
    auto admitted = loop_.admit_(head, peer_);
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
    channel_.write("HTTP/1.1 100 Continue\r\n\r\n");
  }
  advance(state);
}

/// What a reply does with the connection that asked, if that is still there.
class Server::Loop::Answering final : public Reply::Sink {
 public:
  Answering(std::shared_ptr<Door> door, std::weak_ptr<Connection> connection, bool http_1_1)
      : door_(std::move(door)), connection_(std::move(connection)), http_1_1_(http_1_1) {}

  void send(Response response) override {
    door_->post([asking = connection_, response = std::move(response)]() mutable {
      if (const auto connection = asking.lock()) connection->answer(std::move(response));
    });
  }
  void watch_client() override {
    door_->post([asking = connection_] {
      if (const auto connection = asking.lock()) connection->watch_for_leaving();
    });
  }
  bool client_left() const override { return connection_.expired(); }
  std::unique_ptr<BodyWriter> stream(Response head) override {
    if (!has_sound_headers(head)) head = problem(500, "the answer had a header that is none");
    const auto wake = [door = door_, asking = connection_] {
      door->post([asking] {
        if (const auto connection = asking.lock()) connection->stream_on();
      });
    };
    const auto buffer =
        std::make_shared<StreamBuffer>(http_1_1_ ? Framing::chunked : Framing::to_close, wake);
    const auto reading = std::make_shared<StreamReader>(buffer);
    door_->post([asking = connection_, head = std::move(head), reading]() mutable {
      const auto connection = asking.lock();
      if (connection) connection->answer(std::move(head), std::move(*reading));
    });
    return std::make_unique<StreamWriter>(buffer);
  }

 private:
  std::shared_ptr<Door> door_;
  std::weak_ptr<Connection> connection_;
  const bool http_1_1_;
};

void Server::Loop::Connection::handle() {
  phase_ = Phase::handling;
  watched_ = false;
  deadline_.set_none();
  Request request = reader_.take();
  request.peer = peer_;
  after_handling_ = request.head.keep_alive ? After::keep : After::close;
  auto work =
      loop_.exchange_(std::move(request),
                      Reply(std::make_shared<Answering>(loop_.door_, weak_from_this(), http_1_1_)));
  if (work) asio::post(loop_.workers_, std::move(work));
}

void Server::Loop::Connection::answer(Response response) {
  if (phase_ == Phase::handling) answer(std::move(response), after_handling_);
}

void Server::Loop::Connection::answer(Response head, StreamReader stream) {
  if (phase_ != Phase::handling) return;
  phase_ = Phase::writing;
  const After wanted = http_1_1_ ? after_handling_ : After::close;
  after_ = loop_.draining_ ? After::close : wanted;
  head_ = head_text(head, after_, std::chrono::system_clock::now(), transport(),
                    http_1_1_ ? BodyEnd::chunked : BodyEnd::close);
  body_ = {};
  sent_ = 0;
  if (!head_request_) stream_ = std::move(stream);
  if (stream_) watch_for_end();
  write_some();
}

/// A client that leaves while nothing is written would not be noticed.
void Server::Loop::Connection::watch_for_end() {
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
    const bool matters = self->stream_ || (self->phase_ == Phase::handling && self->watched_);
    // Other bytes are its next request: they are read when this one is answered.
    if (!error && matters && self->channel_.ended()) self->close();
  });
}

void Server::Loop::Connection::stream_on() {
  if (phase_ != Phase::writing || !stream_) return;
  head_ = {};
  body_ = {};
  sent_ = 0;
  switch (stream_.take(body_)) {
    case StreamBuffer::Taken::bytes: return write_some();
    case StreamBuffer::Taken::nothing_yet: deadline_.set_none(); return;
    case StreamBuffer::Taken::end: stream_ = {}; return written();
    case StreamBuffer::Taken::broken: {
      // Without chunks it would look like a body that ended, were the connection not reset.
      error_code ignored;
      if (!http_1_1_) socket_.set_option(tcp::socket::linger(true, 0), ignored);
      return close();
    }
  }
}

void Server::Loop::Connection::answer(Response response, After after) {
  phase_ = Phase::writing;
  after_ = loop_.draining_ ? After::close : after;
  head_ = head_text(response, after_, std::chrono::system_clock::now(), transport());
  body_ = head_request_ ? std::string() : std::move(response.body);
  sent_ = 0;
  write_some();
}

void Server::Loop::Connection::write_some() {
  // In one piece where it is short: a packet, and a system call, less.
  constexpr size_t short_bytes = 64 * 1024;
  if (sent_ == 0 && !head_.empty() && body_.size() <= short_bytes) {
    head_ += std::exchange(body_, {});
  }
  while (sent_ < head_.size() + body_.size()) {
    const std::string_view left = sent_ < head_.size()
                                      ? std::string_view(head_).substr(sent_)
                                      : std::string_view(body_).substr(sent_ - head_.size());
    const auto [sent, need] = channel_.write(left);
    if (need == Channel::Need::closed) return close();
    if (need != Channel::Need::nothing) return wait_writable();
    sent_ += sent;
  }
  if (stream_) return stream_on();
  written();
}

void Server::Loop::Connection::wait_writable() {
  expect_by(steady_now() + loop_.options_.write_time);
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const error_code& error) {
    if (self->phase_ != Phase::writing) return;
    if (error) return self->close();
    self->write_some();
  });
}

void Server::Loop::Connection::written() {
  head_ = {};
  body_ = {};
  head_request_ = false;
  if (after_ == After::close || loop_.draining_ || reader_.state() != ReadState::head) {
    if (reader_.begun()) return linger();
    channel_.end_writing();
    return close();
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
  channel_.end_writing();
  expect_by(steady_now() + linger_time);
  wait_readable();
}

void Server::Loop::Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  deadline_.cancel();
  stream_ = {};
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
  if (options_.tls) tls_ = WEIR_TRY(TlsIdentity::load(*options_.tls));
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
  const bool full = all_.size() >= options_.most_connections;
  if (full) cut_.add(Cut::crowded);
  if (!full || make_room()) {
    const auto connection = std::make_shared<Connection>(*this, std::move(socket));
    all_.insert(connection);
    {
      const std::lock_guard lock(mutex_);
      ++open_;
    }
    connection->start();
  } else if (!tls_) {  // a client that waits for TLS to begin would not understand it
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(crowded_answer), ignored);
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
  asio::post(io_, [all = &all_] {
    for (const auto& connection : std::set(*all)) connection->close();  // which takes itself out
  });
  workers_.join();
  door_->shut();     // answers that come later have nobody to go to
  at_work_.reset();  // the loop ends when nothing is left to wait for
  thread_.join();
}

Server::Server(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, Exchange exchange,
                                               Admission admit) {
  auto loop = std::make_unique<Loop>(std::move(options), std::move(exchange), std::move(admit));
  WEIR_TRY(loop->listen());
  return std::unique_ptr<Server>(new Server(std::move(loop)));
}

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, Handler handler,
                                               Admission admit) {
  return listen(std::move(options), answered_by(std::move(handler)), std::move(admit));
}

const ListenAddress& Server::address() const { return loop_->address(); }
size_t Server::connections() const { return loop_->connections(); }
CutCounts::Counts Server::cut() const { return loop_->cut(); }
void Server::drain(milliseconds grace) { loop_->drain(grace); }

}  // namespace weir::http
