#include <poll.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/presenter.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/top_text.h"
#include "cli/verbs.h"

namespace weir::cli {
namespace {

constexpr int frame_interval_ms = 1'000;

/// Keeps the frame of an answer to `top`.
class FrameKeeper final : public Presenter {
 public:
  bool send(const text::Json& sent) override {
    if (sent["frame"].as_string() == "top") frame = sent;
    return true;
  }
  ExitCode finish(const Result<void>& result) override {
    return result ? ExitCode::done : exit_code(result.error());
  }
  std::optional<owner::Request> resume(const owner::Request& asked) override { return asked; }

  text::Json frame;
};

class Top {
 public:
  Top(const Project& project, const Wiring& wiring, StopSignals& signals)
      : project_(project), wiring_(wiring), signals_(signals) {}

  ExitCode once(OutputFormat format) {
    FrameKeeper answer;
    const ExitCode code = ask(answer);
    if (code != ExitCode::done) return code;
    DescriptorOutput output(STDOUT_FILENO);
    if (format == OutputFormat::json) {
      output.write(without_kind(answer.frame).to_string() + "\n");
      return code;
    }
    for (const std::string& line : top_lines(answer.frame, output.width(), 0)) {
      output.write(line + "\n");
    }
    return code;
  }

  ExitCode live() {
    auto screen = Screen::open();
    if (!screen) {
      say(screen.error());
      return exit_code(screen.error());
    }
    for (;;) {
      FrameKeeper answer;
      const ExitCode code = ask(answer);
      if (code != ExitCode::done) return code;
      if (!stay(*screen, answer.frame)) return ExitCode::done;
    }
  }

 private:
  static text::Json without_kind(const text::Json& frame) {
    text::Json shown = text::Json::object();
    for (const auto& [name, value] : frame.as_object()) {
      if (name != "frame") shown.set(name, value);
    }
    return shown;
  }

  ExitCode ask(Presenter& answer) {
    const owner::Request request{WEIR_VERSION, "top", text::Json::object()};
    return perform(project_, request, answer, wiring_, signals_);
  }

  /// Shows the frame until the next one is due, anew when the terminal has another size. False: the
  /// person or a signal wants to leave.
  bool stay(const Screen& screen, const text::Json& frame) {
    using Clock = std::chrono::steady_clock;
    const auto next = Clock::now() + std::chrono::milliseconds(frame_interval_ms);
    for (;;) {
      const Screen::Size size = screen.size();
      screen.draw(top_lines(frame, size.width, size.height));
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now()).count();
      if (left <= 0) return true;
      const char key = screen.wait(signals_.descriptor(), static_cast<int>(left));
      if (key == 'q' || key == 'Q' || signals_.take()) return false;
    }
  }

  const Project& project_;
  const Wiring& wiring_;
  StopSignals& signals_;
};

}  // namespace

ExitCode top(const CommandLine& line, const TopCommand& command, const Project& project,
             const Wiring& wiring) {
  log::start(log::Level::error);
  auto signals = StopSignals::block();
  if (!signals) {
    say(signals.error());
    return ExitCode::failed;
  }
  Top top(project, wiring, *signals);
  const bool once = command.once == Choice::yes || line.format != OutputFormat::table;
  return once ? top.once(line.format) : top.live();
}

}  // namespace weir::cli
