#pragma once

namespace weir {

/// Prints the broken invariant and aborts: a wrong row must never be committed.
[[noreturn]] void check_failed(const char* condition, const char* message, const char* file,
                               int line);

}  // namespace weir

/// An invariant of weir's own. Never for input, disk or network: those return a Result.
#define WEIR_CHECK(condition, message)                                               \
  do {                                                                               \
    if (!(condition)) ::weir::check_failed(#condition, message, __FILE__, __LINE__); \
  } while (false)
