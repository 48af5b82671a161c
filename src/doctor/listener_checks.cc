#include "doctor/listener_checks.h"

#include <fmt/core.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "io/atomic_file.h"
#include "io/descriptor.h"
#include "owner/lock_file.h"

namespace weir::doctor {
namespace {

/// 0, or the errno of what kept us from listening there for a moment.
int try_to_listen(const ListenAddress& address) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (::getaddrinfo(address.host.c_str(), port.c_str(), &wanted, &found) != 0) {
    return EADDRNOTAVAIL;
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  const io::Descriptor listener(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return errno;
  // As the real listener: connections that have just ended do not keep the port.
  const int yes = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool listens = ::bind(listener.get(), found->ai_addr, found->ai_addrlen) == 0 &&
                       ::listen(listener.get(), 1) == 0;
  return listens ? 0 : errno;
}

/// Whether the weir that runs here has written down that it answers there.
bool is_ours(const Project& project, const ListenAddress& address) {
  constexpr size_t longest_url = 300;
  const auto url = io::read_small_file((project.state_dir() / "admin").string(), longest_url);
  if (!url || url->find("//" + address.to_string()) == std::string::npos) return false;
  const auto directory = owner::StateDirectory::open(project.state_dir());
  if (!directory) return false;
  auto lock = owner::LockFile::open(*directory);
  if (!lock) return false;
  const auto free = lock->try_lock();  // one that was killed leaves the file behind
  return free && !*free;
}

}  // namespace

Findings check_admin_address(const Project& project) {
  if (!project.admin) return {};
  const std::string check = "admin";
  const ListenAddress& address = *project.admin;
  const std::string shown = address.to_string();
  const int problem = try_to_listen(address);
  if (problem == 0) return {{check, Verdict::ok, shown + " is free", {}}};
  if (problem == EADDRINUSE && is_ours(project, address)) {
    return {{check, Verdict::ok, "the weir that runs answers at " + shown, {}}};
  }
  return {{check, Verdict::warning,
           fmt::format("cannot listen at {}: {}", shown, std::strerror(problem)),
           problem == EADDRINUSE
               ? fmt::format("see who has it with `ss -ltnp sport = :{}`, or let `admin: listen:` "
                             "name another port",
                             address.port)
               : "let `admin: listen:` name an address and a port that this user may have"}};
}

}  // namespace weir::doctor
