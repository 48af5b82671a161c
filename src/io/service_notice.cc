#include "io/service_notice.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "io/descriptor.h"

namespace weir::io {
namespace {

/// The environment variable as a number; none when it is not one.
std::optional<long long> number_of(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const char* const text_end = text + std::strlen(text);
  long long number = 0;
  const auto [end, error] = std::from_chars(text, text_end, number);
  if (error != std::errc() || end != text_end) return std::nullopt;
  return number;
}

}  // namespace

bool tell_service_manager(std::string_view state) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return true;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t length = std::strlen(path);
  if ((*path != '/' && *path != '@') || length >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path, length);
  if (*path == '@') address.sun_path[0] = '\0';  // an abstract name
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  return ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address),
                  size) == static_cast<ssize_t>(state.size());
}

std::optional<std::chrono::microseconds> watchdog_limit() {
  const auto limit = number_of("WATCHDOG_USEC");
  if (!limit || *limit <= 0) return std::nullopt;
  const auto process = number_of("WATCHDOG_PID");
  if (process && *process != ::getpid()) return std::nullopt;  // meant for who started us
  return std::chrono::microseconds(*limit);
}

}  // namespace weir::io
