#include "cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace weir::cli {

DescriptorOutput::DescriptorOutput(int descriptor)
    : descriptor_(descriptor), is_terminal_(::isatty(descriptor) == 1) {}

DescriptorOutput::~DescriptorOutput() { flush(); }

bool DescriptorOutput::write(std::string_view text) {
  buffer_ += text;
  return buffer_.size() < 64 * 1024 ? open_ : flush();
}

bool DescriptorOutput::flush() {
  std::string_view left = buffer_;
  while (open_ && !left.empty()) {
    const ssize_t written = ::write(descriptor_, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      open_ = false;
    }
  }
  buffer_.clear();
  return open_;
}

size_t DescriptorOutput::width() const {
  winsize size{};
  if (!is_terminal_) return 0;
  return ::ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace weir::cli
