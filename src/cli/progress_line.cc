#include "cli/progress_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/display_text.h"

namespace weir::cli {
namespace {

constexpr size_t bar_width = 24;

using Seconds = std::chrono::duration<double>;

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string bytes_text(double bytes) {
  for (const char* unit : {"B", "kB", "MB"}) {
    if (bytes < 1000) return fmt::format("{:.{}f} {}", bytes, bytes < 10 ? 1 : 0, unit);
    bytes /= 1000;
  }
  return fmt::format("{:.1f} GB", bytes);
}

/// Share of the work that is done, 0..1; the run under way counts by its bytes.
double share_done(const RunsProgress& progress) {
  if (progress.total == 0) return 0;
  const double part = progress.bytes_total == 0 ? 0
                                                : static_cast<double>(progress.bytes_read) /
                                                      static_cast<double>(progress.bytes_total);
  const double done = static_cast<double>(progress.done) + std::min(part, 1.0);
  return std::min(done / static_cast<double>(progress.total), 1.0);
}

std::string bar(double share) {
  const auto filled = static_cast<size_t>(share * bar_width);
  return "[" + std::string(filled, '=') + (filled < bar_width ? ">" : "") +
         std::string(bar_width - std::min(filled + 1, bar_width), ' ') + "]";
}

}  // namespace

void ProgressLine::update(const RunsProgress& progress, Time now) {
  if (progress.run != run_) {
    run_ = progress.run;
    run_start_ = now;
  }
  if (output_.is_terminal()) {
    if (now - start_ < quiet_on_terminal) return;
    const std::string line = bar(share_done(progress)) + " " + describe(progress, now);
    output_.write("\r\x1b[2K" + cut_to_width(line, output_.width() - 1));
    bar_shown_ = true;
  } else {
    if (now - last_line_ < between_lines) return;
    last_line_ = now;
    output_.write("weir: " + describe(progress, now) + "\n");
  }
  output_.flush();
}

std::string ProgressLine::describe(const RunsProgress& progress, Time now) const {
  const double share = share_done(progress);
  std::string text = fmt::format("{:3.0f} %", share * 100);
  if (progress.total > 1) text += fmt::format("  {}/{} runs", progress.done, progress.total);
  const double run_seconds = Seconds(now - run_start_).count();
  if (progress.bytes_read > 0 && run_seconds > 0) {
    text +=
        fmt::format("  {}/s", bytes_text(static_cast<double>(progress.bytes_read) / run_seconds));
  }
  if (progress.rows_read > 0) text += fmt::format("  {} rows", progress.rows_read);
  const double seconds = Seconds(now - start_).count();
  if (share > 0.01) text += "  ETA " + clock_text(seconds / share * (1 - share));
  return text;
}

void ProgressLine::clear() {
  if (!bar_shown_) return;
  output_.write("\r\x1b[2K");
  output_.flush();
  bar_shown_ = false;
}

}  // namespace weir::cli
