#include "cli/top_text.h"

#include <fmt/format.h>

#include "cli/display_text.h"
#include "cli/table_writer.h"

namespace weir::cli {
namespace {

using text::Json;

/// Gathers lines and knows the terminal's width.
class Lines final : public Output {
 public:
  explicit Lines(size_t width) : width_(width) {}
  bool write(std::string_view text) override {
    text_ += text;
    return true;
  }
  bool flush() override { return true; }
  bool is_terminal() const override { return width_ > 0; }
  size_t width() const override { return width_; }

  void line(std::string_view text) {
    const std::string shown = visible(text, LineBreaks::escape);
    text_ += width_ > 0 ? cut_to_width(shown, width_) : shown;
    text_ += '\n';
  }
  std::vector<std::string> take() const {
    std::vector<std::string> lines;
    size_t begin = 0;
    for (size_t end; (end = text_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string line = text_.substr(begin, end - begin);
      // A table does not get narrower than its columns can: on a small screen its end is missing.
      lines.push_back(width_ > 0 ? cut_to_width(line, width_) : line);
    }
    return lines;
  }

 private:
  const size_t width_;
  std::string text_;
};

std::string count(const Json& value) { return std::to_string(value.as_int()); }

std::string megabytes(const Json& bytes) {
  return fmt::format("{:.0f} MB", static_cast<double>(bytes.as_int()) / 1e6);
}

/// "2026-11-20T12:00:00.000000Z" to "12:00:00".
std::string clock_of(const std::string& time) {
  return time.size() >= 19 ? time.substr(11, 8) : time;
}

void add_pipelines(const Json& frame, Lines& lines) {
  if (frame["pipelines"].as_array().empty()) return;
  lines.line("");
  TableWriter table(lines,
                    {{"pipeline"},
                     {"queued", Align::right},
                     {"running", Align::right},
                     {"parked", Align::right},
                     {"runs/min", Align::right},
                     {"failed/min", Align::right},
                     {"rows/s", Align::right}},
                    "");
  for (const Json& each : frame["pipelines"].as_array()) {
    constexpr double minute = 60;
    table.add(
        {each["pipeline"].as_string(), count(each["queued"]), count(each["running"]),
         count(each["parked"]), count(each["ended_last_minute"]), count(each["failed_last_minute"]),
         fmt::format("{:.0f}", static_cast<double>(each["rows_last_minute"].as_int()) / minute)});
  }
  table.finish();
}

/// "12 of 40 MB", "12 MB" while the whole is not known; nothing for who does not say.
std::string read_of(const Json& run) {
  const Json& total = run["bytes_total"];
  if (run["bytes_read"].is_null()) return "";
  if (total.is_null()) return megabytes(run["bytes_read"]);
  return fmt::format("{:.0f} of {}", static_cast<double>(run["bytes_read"].as_int()) / 1e6,
                     megabytes(total));
}

void add_runs(const Json& frame, Lines& lines) {
  if (frame["runs"].as_array().empty()) return;
  lines.line("");
  TableWriter table(lines,
                    {{"run", Align::left, Fit::whole},
                     {"pipeline"},
                     {"object"},
                     {"started"},
                     {"try", Align::right},
                     {"read", Align::right},
                     {"rows", Align::right}},
                    "");
  for (const Json& each : frame["runs"].as_array()) {
    table.add({each["run"].as_string(), each["pipeline"].as_string(), each["object"].as_string(),
               clock_of(each["started"].as_string()), count(each["try"]), read_of(each),
               each["rows_read"].is_null() ? "" : count(each["rows_read"])});
  }
  table.finish();
}

void add_fires(const Json& frame, Lines& lines) {
  if (frame["next"].as_array().empty()) return;
  lines.line("");
  for (const Json& fire : frame["next"].as_array()) {
    lines.line(fmt::format("next: {}  {}", fire["time"].as_string().substr(0, 19) + "Z",
                           fire["pipeline"].as_string()));
  }
}

}  // namespace

std::vector<std::string> top_lines(const Json& frame, size_t width, size_t height) {
  Lines lines(width);
  lines.line(fmt::format("weir {} ({})  pid {}  {}  memory {} of {}  cpu {:.1f} s  {} threads",
                         frame["project"].as_string(), frame["environment"].as_string(),
                         frame["pid"].as_int(), clock_of(frame["time"].as_string()),
                         megabytes(frame["memory_bytes"]), megabytes(frame["memory_limit_bytes"]),
                         frame["cpu_seconds"].as_double(), frame["threads"].as_int()));
  lines.line(
      fmt::format("runs: {} queued ({} held back)  {} running  {} parked   notices: {} waiting",
                  frame["queued"].as_int(), frame["held"].as_int(), frame["running"].as_int(),
                  frame["parked"].as_int(), frame["notices_waiting"].as_int()));
  for (const Json& breaker : frame["breakers"].as_array()) {
    lines.line(fmt::format("database {} does not answer: {}", breaker["database"].as_string(),
                           breaker["why"].as_string()));
  }
  add_runs(frame, lines);
  add_fires(frame, lines);
  add_pipelines(frame, lines);
  std::vector<std::string> all = lines.take();
  if (height > 0 && all.size() > height) {
    const size_t left_out = all.size() - height + 1;
    all.resize(height - 1);
    all.push_back(fmt::format("… {} more lines", left_out));
  }
  return all;
}

}  // namespace weir::cli
