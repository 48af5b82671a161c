#include "cli/stop_signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "io/system_error.h"

namespace weir::cli {

Result<StopSignals> StopSignals::block() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t stops;
  sigemptyset(&stops);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&stops, number);
  if (const int problem = ::pthread_sigmask(SIG_BLOCK, &stops, nullptr); problem != 0) {
    return fail(io::system_error("cannot block", "signals", problem));
  }
  io::Descriptor events(::signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!events) return fail(io::system_error("cannot watch", "signals"));
  return StopSignals(std::move(events));
}

bool StopSignals::take() {
  signalfd_siginfo signal{};
  return ::read(events_.get(), &signal, sizeof signal) == sizeof signal;
}

}  // namespace weir::cli
