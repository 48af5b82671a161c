#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace weir::http {

/// The server's end of one connection, after one request came in.
class ScriptedPeer {
 public:
  ScriptedPeer(int socket, std::string request) : socket_(socket), request_(std::move(request)) {}

  const std::string& request() const { return request_; }  ///< head and body
  std::string path() const {
    const size_t begin = request_.find(' ') + 1;
    return request_.substr(begin, request_.find(' ', begin) - begin);
  }
  bool asks_for(std::string_view header_line) const {
    return request_.find("\r\n" + std::string(header_line) + "\r\n") != std::string::npos;
  }
  /// False when the client has gone.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  /// The connection ends with a reset instead of an end.
  void reset() const {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  /// Until the client closes, at most `ms` (-1: for ever). True when it has.
  bool wait_closed(int ms = -1) const {
    pollfd wait{socket_, POLLIN | POLLRDHUP, 0};
    if (::poll(&wait, 1, ms) == 0) return false;
    char byte = 0;
    return ::recv(socket_, &byte, 1, MSG_DONTWAIT) <= 0;
  }

 private:
  int socket_;
  std::string request_;
};

/// A server on the loopback that answers as a test says, down to the byte. Each connection has one
/// request and its own thread.
class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedPeer&)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    ::close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  /// All requests so far, in their order.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void accept_all() {
    for (;;) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      const std::lock_guard lock(mutex_);
      open_.push_back(socket);
      threads_.emplace_back([this, socket] { serve(socket); });
    }
  }

  void serve(int socket) {
    std::string request = read_request(socket);
    if (!request.empty()) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      ScriptedPeer peer(socket, std::move(request));
      script_(peer);
    }
    const std::lock_guard lock(mutex_);
    open_.remove(socket);
    ::close(socket);
  }

  static std::string read_request(int socket) {
    std::string request;
    size_t wanted = std::string::npos;
    char buffer[4096];
    while (request.size() < wanted) {
      const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
      if (got <= 0) return {};
      request.append(buffer, static_cast<size_t>(got));
      const size_t end = request.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const size_t length = request.find("Content-Length: ");
      wanted = end + 4;
      if (length < end) wanted += std::strtoul(request.c_str() + length + 16, nullptr, 10);
    }
    return request;
  }

  Script script_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;  // guarded by mutex_, as the next two
  std::list<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// A whole answer with its length.
inline std::string answer(std::string_view status, std::string_view headers,
                          std::string_view body) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace weir::http
