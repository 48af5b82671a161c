#include "cli/screen.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "cli/output.h"
#include "io/system_error.h"

namespace weir::cli {
namespace {

constexpr char enter_screen[] = "\x1b[?1049h\x1b[?25l";
constexpr char leave_screen[] = "\x1b[?25h\x1b[?1049l";
/// Of a crash: the terminal is given back, then the signal does what it always did.
constexpr std::array crashes = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT};

termios before{};  // also for the signal handler, which can only see what is static

/// Only what a signal handler may call.
void give_back() {
  static_cast<void>(!::write(STDOUT_FILENO, leave_screen, sizeof leave_screen - 1));
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void on_crash(int number) {
  give_back();
  ::signal(number, SIG_DFL);
  ::raise(number);
}

void on_resize(int) {}  // it ends the wait

}  // namespace

Result<Screen> Screen::open() {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1) {
    return fail(ErrorCode::usage, "this is no terminal", "--once prints one frame");
  }
  if (::tcgetattr(STDIN_FILENO, &before) != 0) {
    return fail(io::system_error("cannot read", "the terminal's settings"));
  }
  for (const int number : crashes) ::signal(number, on_crash);
  struct sigaction resize {};
  resize.sa_handler = on_resize;
  ::sigaction(SIGWINCH, &resize, nullptr);
  termios raw = before;
  raw.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO));
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  raw.c_cc[VSUSP] = _POSIX_VDISABLE;  // a stopped process would leave the screen as it is
  raw.c_cc[VQUIT] = _POSIX_VDISABLE;
  if (::tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) {
    return fail(io::system_error("cannot change", "the terminal's settings"));
  }
  DescriptorOutput(STDOUT_FILENO).write(enter_screen);
  Screen screen;
  screen.open_ = true;
  return screen;
}

Screen::Screen(Screen&& other) noexcept : open_(std::exchange(other.open_, false)) {}

Screen::~Screen() {
  if (!open_) return;
  give_back();
  for (const int number : crashes) ::signal(number, SIG_DFL);
  ::signal(SIGWINCH, SIG_DFL);
}

Screen::Size Screen::size() const {
  winsize now{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &now) != 0 || now.ws_col == 0 || now.ws_row == 0) {
    return {};
  }
  return {now.ws_col, now.ws_row};
}

void Screen::draw(const std::vector<std::string>& lines) const {
  DescriptorOutput output(STDOUT_FILENO);
  output.write("\x1b[H");
  for (size_t i = 0; i < lines.size(); ++i) {
    output.write(i > 0 ? "\r\n" : "");
    output.write(lines[i]);
    output.write("\x1b[K");
  }
  output.write("\x1b[J");
}

char Screen::wait(int other, int milliseconds) const {
  pollfd watched[2] = {{STDIN_FILENO, POLLIN, 0}, {other, POLLIN, 0}};
  if (::poll(watched, 2, milliseconds) <= 0 || watched[0].revents == 0) return 0;
  char key = 0;
  // A terminal that is gone reads as its end: as good as q.
  return ::read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}

}  // namespace weir::cli
