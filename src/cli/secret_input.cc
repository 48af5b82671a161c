#include "cli/secret_input.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "crypto/wipe.h"
#include "io/system_error.h"
#include "io/write_all.h"

namespace weir::cli {
namespace {

volatile std::sig_atomic_t caught = 0;

/// Takes the signals that would end or stop weir, so that the terminal is made as it was first.
/// They arrive only within wait_for_input(): none is lost before a read() that would wait for ever.
class CaughtSignals {
 public:
  CaughtSignals() {
    caught = 0;
    sigset_t blocked;
    ::sigemptyset(&blocked);
    for (const int signal : signals) ::sigaddset(&blocked, signal);
    ::sigprocmask(SIG_BLOCK, &blocked, &mask_before_);
    struct sigaction action {};
    action.sa_handler = [](int signal) { caught = signal; };
    for (size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &before_[i]);
  }
  ~CaughtSignals() {
    for (size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
    if (caught != 0) ::raise(caught);
    ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  CaughtSignals(const CaughtSignals&) = delete;
  CaughtSignals& operator=(const CaughtSignals&) = delete;

  /// False: a signal came instead.
  bool wait_for_input() const {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    while (caught == 0) {
      if (::ppoll(&input, 1, nullptr, &mask_before_) > 0) return true;
    }
    return false;
  }

 private:
  static constexpr std::array signals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  std::array<struct sigaction, signals.size()> before_{};
  sigset_t mask_before_{};
};

/// Shows nothing of what is typed.
class SilentTerminal {
 public:
  SilentTerminal() {
    known_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
    if (known_) known_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (known_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  bool silent() const { return known_; }

 private:
  termios before_{};
  bool known_ = false;
};

/// All there is, or one line while `signals` are watched.
Result<std::string> read_input(const CaughtSignals* signals, size_t largest) {
  std::string value;
  value.reserve(largest + 2);  // so that no shorter memory is left behind with part of it
  std::string chunk(4096, '\0');
  const crypto::WipedAtEnd wiped(chunk);
  while (value.size() <= largest + 1) {
    if (signals != nullptr && !signals->wait_for_input()) {
      crypto::wipe(value);
      return fail(ErrorCode::cancelled, "the secret was not set");
    }
    const ssize_t got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(io::system_error("read", "standard input"));
    if (got == 0) break;
    value.append(chunk, 0, std::min(static_cast<size_t>(got), largest + 2 - value.size()));
    if (signals != nullptr && value.ends_with('\n')) break;
  }
  if (value.ends_with('\n')) value.pop_back();
  if (value.size() > largest) {
    crypto::wipe(value);
    return fail(ErrorCode::usage, "the value is larger than " + std::to_string(largest) + " bytes",
                "a secret is a password, a token or a key; keep larger things in files");
  }
  return value;
}

}  // namespace

Result<std::string> read_secret(const std::string& prompt, size_t largest) {
  if (::isatty(STDIN_FILENO) != 1) return read_input(nullptr, largest);
  const CaughtSignals signals;
  const SilentTerminal terminal;
  if (!terminal.silent()) {
    return fail(ErrorCode::io, "this terminal would show what is typed",
                "give the value on standard input: weir secret set NAME < FILE");
  }
  WEIR_TRY(io::write_all(STDERR_FILENO, prompt, "the terminal"));
  auto value = read_input(&signals, largest);
  WEIR_TRY(io::write_all(STDERR_FILENO, "\n", "the terminal"));  // the one that was not shown
  return value;
}

}  // namespace weir::cli
