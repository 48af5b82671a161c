#include "http/channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace weir::http {
namespace {

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int clamped(size_t size) { return static_cast<int>(std::min<size_t>(size, INT_MAX)); }

}  // namespace

Channel::Channel(int socket, const std::shared_ptr<ssl_ctx_st>& context)
    : socket_(socket), context_(context) {
  if (!context_) return;
  tls_ = SSL_new(context_.get());
  if (tls_ == nullptr) return;  // greet() says so
  SSL_set_fd(tls_, socket_);
  SSL_set_accept_state(tls_);
}

Channel::~Channel() { SSL_free(tls_); }

/// What OpenSSL says of a call that moved nothing.
Channel::Need Channel::need_of(int result) const {
  switch (SSL_get_error(tls_, result)) {
    case SSL_ERROR_WANT_READ: return Need::readable;
    case SSL_ERROR_WANT_WRITE: return Need::writable;
    default: return Need::closed;
  }
}

Channel::Need Channel::greet() {
  if (!context_) return Need::nothing;
  if (tls_ == nullptr) return Need::closed;
  ERR_clear_error();
  const int result = SSL_do_handshake(tls_);
  return result == 1 ? Need::nothing : need_of(result);
}

Channel::Moved Channel::read(char* into, size_t capacity) {
  if (tls_ == nullptr) {
    const ssize_t got = ::recv(socket_, into, capacity, 0);
    if (got > 0) return {static_cast<size_t>(got), Need::nothing};
    return {0, got < 0 && would_block() ? Need::readable : Need::closed};
  }
  ERR_clear_error();
  const int got = SSL_read(tls_, into, clamped(capacity));
  if (got > 0) return {static_cast<size_t>(got), Need::nothing};
  return {0, need_of(got)};
}

bool Channel::holds_bytes() const { return tls_ != nullptr && SSL_pending(tls_) > 0; }

Channel::Moved Channel::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (tls_ == nullptr) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return {static_cast<size_t>(sent), Need::nothing};
    return {0, would_block() ? Need::writable : Need::closed};
  }
  ERR_clear_error();
  const int sent = SSL_write(tls_, bytes.data(), clamped(bytes.size()));
  if (sent > 0) return {static_cast<size_t>(sent), Need::nothing};
  return {0, need_of(sent)};
}

void Channel::end_writing() {
  if (tls_ != nullptr) {
    ERR_clear_error();
    SSL_shutdown(tls_);
  }
  ::shutdown(socket_, SHUT_WR);
}

bool Channel::ended() const {
  char byte = 0;
  const ssize_t got = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && !would_block());
}

}  // namespace weir::http
