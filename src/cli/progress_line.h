#pragma once

#include <chrono>
#include <optional>

#include "cli/frames.h"
#include "cli/output.h"

namespace weir::cli {

/// Says how far long work is: a bar that stays in its line on a terminal, a plain line every few
/// seconds otherwise. Short work says nothing.
class ProgressLine {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds quiet_on_terminal{400};
  static constexpr std::chrono::milliseconds between_lines{5'000};

  ProgressLine(Output& output, Time start) : output_(output), start_(start), last_line_(start) {}

  void update(const RunsProgress& progress, Time now);
  /// Takes the bar away.
  void clear();

 private:
  std::string describe(const RunsProgress& progress, Time now) const;

  Output& output_;
  const Time start_;
  Time last_line_;
  RunId run_;  // the one the numbers below are of
  Time run_start_;
  bool bar_shown_ = false;
};

}  // namespace weir::cli
