#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "http/reply.h"

namespace weir::http {

/// How the end of a body is told.
enum class Framing {
  chunked,   ///< HTTP/1.1: chunks, and an empty one
  to_close,  ///< HTTP/1.0: the connection's end
};

/// What lies between who makes a body and the connection that sends it: at most `capacity` bytes.
/// The maker waits when it is full; the connection never waits.
class StreamBuffer {
 public:
  /// `wake`: something is there for a connection that found nothing. Called from the maker's
  /// thread.
  StreamBuffer(Framing framing, std::function<void()> wake)
      : framing_(framing), wake_(std::move(wake)) {}

  static constexpr size_t capacity = 256 * 1024;

  /// For the maker; false once closed.
  bool write(std::string_view piece);
  void finish();
  /// The maker went without finish(), or gives up: a write() that waits gives false. From any
  /// thread.
  void break_off();
  bool closed() const;

  enum class Taken { bytes, nothing_yet, end, broken };
  /// For the connection: moves all that is there, framed, into `out`.
  Taken take(std::string& out);
  /// The connection is gone.
  void close();

 private:
  enum class State { open, finished, broken, closed };
  void wake_if_starved(std::unique_lock<std::mutex>& lock);

  const Framing framing_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::string bytes_;     // guarded by mutex_, like all below
  bool starved_ = false;  // the connection found nothing
  State state_ = State::open;
};

/// The maker's end.
class StreamWriter final : public BodyWriter {
 public:
  explicit StreamWriter(std::shared_ptr<StreamBuffer> buffer) : buffer_(std::move(buffer)) {}
  ~StreamWriter() override { buffer_->break_off(); }
  bool write(std::string_view piece) override { return buffer_->write(piece); }
  void finish() override { buffer_->finish(); }
  bool gone() const override { return buffer_->closed(); }
  void cut() override { buffer_->break_off(); }

 private:
  std::shared_ptr<StreamBuffer> buffer_;
};

/// The connection's end; when it goes, the maker is told.
class StreamReader {
 public:
  StreamReader() = default;
  explicit StreamReader(std::shared_ptr<StreamBuffer> buffer) : buffer_(std::move(buffer)) {}
  StreamReader(StreamReader&&) noexcept = default;
  StreamReader& operator=(StreamReader&& other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~StreamReader() {
    if (buffer_) buffer_->close();
  }

  explicit operator bool() const { return buffer_ != nullptr; }
  StreamBuffer::Taken take(std::string& out) { return buffer_->take(out); }

 private:
  std::shared_ptr<StreamBuffer> buffer_;
};

}  // namespace weir::http
