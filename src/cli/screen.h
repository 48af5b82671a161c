#pragma once

#include <termios.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace weir::cli {

/// The terminal's other screen, from which the keys come as they are pressed. The terminal is as it
/// was before once this is gone, and also when the process crashes meanwhile. One at a time.
class Screen {
 public:
  struct Size {
    size_t width = 80, height = 24;
  };

  /// Errors: usage (standard input or output is no terminal), io.
  static Result<Screen> open();
  ~Screen();
  Screen(Screen&& other) noexcept;
  Screen& operator=(Screen&&) = delete;

  Size size() const;
  void draw(const std::vector<std::string>& lines) const;
  /// Waits until a key was pressed, `other` becomes readable, the size has changed, or the time is
  /// over. Gives the key, or 0.
  char wait(int other, int milliseconds) const;

 private:
  Screen() = default;
  bool open_ = false;
};

}  // namespace weir::cli
