#include "owner/line_channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace weir::owner {

LineChannel::LineChannel(io::Descriptor socket, size_t max_line_bytes)
    : socket_(std::move(socket)), max_line_bytes_(max_line_bytes) {}

Exchange LineChannel::wait_for(short events, const Patience& patience) const {
  using Clock = std::chrono::steady_clock;
  const bool endless = patience.limit == Patience::forever;
  const auto deadline = endless ? Clock::time_point::max() : Clock::now() + patience.limit;
  for (;;) {
    int timeout_ms = -1;
    if (!endless) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      timeout_ms = static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT_MAX));
    }
    pollfd watched[2] = {{socket_.get(), events, 0}, {patience.interrupt_fd, POLLIN, 0}};
    const int ready = ::poll(watched, 2, timeout_ms);  // a negative descriptor is ignored
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Exchange::closed;
    if (ready == 0) return Exchange::timed_out;
    if (watched[1].revents != 0) return Exchange::interrupted;
    return Exchange::done;
  }
}

Exchange LineChannel::read_line(std::string& line, const Patience& patience) {
  for (;;) {
    const auto end = buffer_.find('\n', scanned_);
    if (end != std::string::npos && end <= max_line_bytes_) {
      line.assign(buffer_, 0, end);
      buffer_.erase(0, end + 1);
      scanned_ = 0;
      return Exchange::done;
    }
    if (buffer_.size() > max_line_bytes_) return Exchange::too_long;
    scanned_ = buffer_.size();

    char chunk[64 * 1024];
    const ssize_t got = ::recv(socket_.get(), chunk, sizeof chunk, MSG_DONTWAIT);
    if (got > 0) {
      buffer_.append(chunk, static_cast<size_t>(got));
    } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      const Exchange ready = wait_for(POLLIN, patience);
      if (ready != Exchange::done) return ready;
    } else if (got == 0 || errno != EINTR) {
      return Exchange::closed;
    }
  }
}

Exchange LineChannel::write(std::string_view bytes, const Patience& patience) {
  while (!bytes.empty()) {
    const ssize_t sent =
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      const Exchange ready = wait_for(POLLOUT, patience);
      if (ready != Exchange::done) return ready;
    } else if (errno != EINTR) {
      return Exchange::closed;
    }
  }
  return Exchange::done;
}

bool LineChannel::is_closed() const {
  pollfd watched{socket_.get(), POLLRDHUP, 0};
  return ::poll(&watched, 1, 0) > 0 && (watched.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void LineChannel::shut_down() { ::shutdown(socket_.get(), SHUT_RDWR); }

std::optional<uid_t> LineChannel::peer_user() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

}  // namespace weir::owner
