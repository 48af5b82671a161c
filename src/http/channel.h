#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace weir::http {

/// The bytes of an accepted connection, plain or through TLS; nothing here waits. Does not own the
/// socket. One thread.
class Channel {
 public:
  /// What has to happen before it goes on.
  enum class Need { nothing, readable, writable, closed };
  struct Moved {
    size_t bytes = 0;  ///< 0 unless `need` is nothing
    Need need = Need::nothing;
  };

  /// `socket` is non-blocking. No context: plain.
  explicit Channel(int socket, const std::shared_ptr<ssl_ctx_st>& context = nullptr);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// To be done before all else, until it needs nothing.
  Need greet();
  Moved read(char* into, size_t capacity);
  /// Bytes that have come already: the socket will not become readable for them.
  bool holds_bytes() const;
  Moved write(std::string_view bytes);
  /// Tells the other side that no more bytes come.
  void end_writing();
  /// Whether the other side has closed and left nothing to read.
  bool ended() const;

 private:
  Need need_of(int result) const;

  const int socket_;
  std::shared_ptr<ssl_ctx_st> context_;
  ssl_st* tls_ = nullptr;
};

}  // namespace weir::http
