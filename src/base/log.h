#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::log {

enum class Level { debug, info, warning, error };
/// json: one object per line, {"time", "level", "message", …the fields of `With`}.
enum class Format { text, json };

std::string_view to_string(Level level);

/// Where the process log goes and how it looks.
struct Settings {
  Level level = Level::info;
  Format format = Format::text;
  std::string file = {};               ///< absolute path (mode 0600); empty: standard error
  uint64_t rotate_bytes = 64'000'000;  ///< a longer file becomes FILE.1, that one FILE.2 …
  int keep = 5;                        ///< so many of those
};

/// Sends the process log to stderr from now on, at `level` and above. Before this call: warnings
/// up.
void start(Level level);
/// The same, as `settings` say. Not thread-safe: before the first thread. Errors: io.
Result<void> start(const Settings& settings);

/// Writes one line, with the fields of this thread's `With`s; thread-safe. Times are UTC. What is
/// known to be secret is redacted (base/redaction.h).
void write(Level level, std::string_view line);
bool enabled(Level level);

/// While it lives, what this thread logs carries the field: the run and the pipeline it is about.
class With {
 public:
  With(std::string_view name, std::string value);
  ~With();
  With(const With&) = delete;
  With& operator=(const With&) = delete;
};

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace weir::log
