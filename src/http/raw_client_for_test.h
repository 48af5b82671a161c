#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "io/descriptor.h"
#include "model/listen_address.h"

namespace weir::http {

/// A client that sends exactly what it is told to, well formed or not.
class RawClient {
 public:
  explicit RawClient(const ListenAddress& address, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    ::inet_pton(AF_INET, address.host.c_str(), &to.sin_addr);
    connected_ = ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }

  bool connected() const { return connected_; }
  /// What ended the last read: 0 when it was no error.
  int last_error() const { return last_error_; }
  /// False: the other side has closed.
  bool send(std::string_view bytes) {
    return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  void finish_sending() { ::shutdown(socket_.get(), SHUT_WR); }

  /// Reads until `end` has come, or the other side closes.
  std::string read_until(std::string_view end) {
    while (buffer_.find(end) == std::string::npos && read_more()) {
    }
    const size_t found = buffer_.find(end);
    const size_t length = found == std::string::npos ? buffer_.size() : found + end.size();
    std::string out = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return out;
  }
  /// One answer with a content-length, head and body.
  std::string read_answer() {
    std::string out = read_until("\r\n\r\n");
    const std::string mark = "content-length: ";
    const size_t at = out.find(mark);
    const size_t length = at == std::string::npos ? 0 : std::stoul(out.substr(at + mark.size()));
    while (buffer_.size() < length && read_more()) {
    }
    out += buffer_.substr(0, length);
    buffer_.erase(0, std::min(length, buffer_.size()));
    return out;
  }
  std::string read_to_end() {
    while (read_more()) {
    }
    return std::exchange(buffer_, {});
  }

 private:
  bool read_more() {
    pollfd watched{socket_.get(), POLLIN, 0};
    constexpr int patience_ms = 30'000;  // a test that hangs says so
    if (::poll(&watched, 1, patience_ms) <= 0) return false;
    char chunk[16 * 1024];
    const ssize_t got = ::recv(socket_.get(), chunk, sizeof chunk, 0);
    last_error_ = got < 0 ? errno : 0;
    if (got <= 0) return false;
    buffer_.append(chunk, static_cast<size_t>(got));
    return true;
  }

  io::Descriptor socket_;
  bool connected_ = false;
  int last_error_ = 0;
  std::string buffer_;
};

}  // namespace weir::http
