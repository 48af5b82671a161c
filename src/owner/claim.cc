#include "owner/claim.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>

namespace weir::owner {
namespace {

using SteadyClock = std::chrono::steady_clock;

enum class Woken { look_again, interrupted };

/// Sleeps until something happens to the lock or the socket. The limit covers what inotify cannot
/// tell: a dying process's file is reported closed just before its lock is gone, and a system may
/// have no watch left to give.
class ChangeWatch {
 public:
  explicit ChangeWatch(const StateDirectory& directory)
      : events_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (!events_) return;
    ::inotify_add_watch(events_.get(), directory.path().c_str(),
                        IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
  }

  Woken wait(std::chrono::milliseconds limit, int interrupt_fd) {
    pollfd watched[2] = {{events_.get(), POLLIN, 0}, {interrupt_fd, POLLIN, 0}};
    ::poll(watched, 2, static_cast<int>(limit.count()));
    if (watched[1].revents != 0) return Woken::interrupted;
    char drained[4096];
    while (events_ && ::read(events_.get(), drained, sizeof drained) > 0) {
    }
    return Woken::look_again;
  }

 private:
  io::Descriptor events_;
};

}  // namespace

Result<Claim> claim(const StateDirectory& directory, const Identity& self,
                    const ClaimOptions& options) {
  LockFile lock = WEIR_TRY(LockFile::open(directory));
  std::optional<ChangeWatch> watch;
  const auto began = SteadyClock::now();
  bool told = false;
  for (;;) {
    if (WEIR_TRY(lock.try_lock())) {
      WEIR_TRY(lock.describe(self));
      return Claim(std::move(lock));
    }
    if (options.role == Role::either) {
      if (auto client = WEIR_TRY(Client::connect(directory))) return Claim(*std::move(client));
    } else if (const auto holder = lock.holder(); holder && holder->verb == lasting_verb) {
      return fail(ErrorCode::busy, "this project is already up: " + holder->to_string(),
                  "stop it first, or use it: every other verb goes through it");
    }
    if (!watch) {
      watch.emplace(directory);
      continue;  // what happened before the watch stood is seen now
    }
    if (!told && SteadyClock::now() - began >= options.quiet) {
      told = true;
      options.on_wait(lock.holder());
    }
    if (watch->wait(std::chrono::milliseconds(100), options.interrupt_fd) == Woken::interrupted) {
      return fail(ErrorCode::cancelled, "stopped while waiting for another weir to finish");
    }
  }
}

}  // namespace weir::owner
