#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace weir::log {

enum class Level { debug, info, warning, error };

/// Sends the process log to stderr from now on, at `level` and above. Before this call: warnings
/// up.
void start(Level level);

/// Writes one line; thread-safe. What is known to be secret is redacted (base/redaction.h).
void write(Level level, std::string_view line);
bool enabled(Level level);

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
