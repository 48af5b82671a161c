#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/log.h"
#include "cases/run_cases.h"
#include "cases/update_expectations.h"
#include "cli/display_text.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/present_cases.h"
#include "cli/stop_signals.h"
#include "cli/verbs.h"
#include "config/load_project.h"
#include "io/atomic_file.h"
#include "pipeline/sql_checker.h"

namespace weir::cli {
namespace {

using cases::CaseResult;
using cases::CaseStatus;

/// Prints tests as they end, and on a terminal how far it is.
class CasesPrinter {
 public:
  CasesPrinter(Output& output, size_t total)
      : output_(output),
        total_(total),
        color_(output.is_terminal() && std::getenv("NO_COLOR") == nullptr ? Color::yes
                                                                          : Color::no) {
    show_progress();
  }

  void done(const CaseResult& result) {
    ++done_;
    clear();
    output_.write(case_text(result, color_));
    show_progress();
  }
  void clear() {
    if (output_.is_terminal()) output_.write("\r\x1b[2K");
  }

 private:
  void show_progress() {
    if (output_.is_terminal() && done_ < total_) {
      output_.write("  " + std::to_string(done_) + "/" + std::to_string(total_) + " tests");
    }
    output_.flush();
  }

  Output& output_;
  const size_t total_;
  const Color color_;
  size_t done_ = 0;
};

/// While it lives, a stop signal lets what runs end and begins no further test, so that no
/// temporary folder is left behind.
class StopWatch {
 public:
  explicit StopWatch(StopSignals signals)
      : signals_(std::move(signals)),
        wake_(::eventfd(0, EFD_CLOEXEC)),
        thread_([this] { wait(); }) {}
  ~StopWatch() {
    ::eventfd_write(wake_.get(), 1);
    thread_.join();
  }
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

  const std::atomic<bool>& stopped() const { return stopped_; }

 private:
  void wait() {
    pollfd events[] = {{signals_.descriptor(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    while (::poll(events, 2, -1) < 0 && errno == EINTR) {
    }
    if (signals_.take()) stopped_ = true;
  }

  StopSignals signals_;
  io::Descriptor wake_;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;  // last: it uses the others
};

/// None, and said why, when the project is not valid.
std::optional<Project> load(const CommandLine& line) {
  const auto checker = pipeline::make_sql_checker();
  config::LoadedProject loaded = config::load_project(
      {std::filesystem::absolute(line.project), line.environment}, checker.get());
  std::erase_if(loaded.diagnostics, [](const config::Diagnostic& found) {
    return found.severity == config::Severity::note;
  });
  say(loaded.diagnostics);
  if (!loaded.ok()) return std::nullopt;
  return std::move(loaded.project);
}

Result<void> write_junit(const TestCommand& command, const Project& project,
                         const std::vector<CaseResult>& results, double seconds) {
  if (!command.junit) return {};
  return io::write_file_atomically(command.junit->string(),
                                   cases_junit(project.name, results, seconds));
}

void print(OutputFormat format, const std::vector<CaseResult>& results, double seconds,
           Output& output) {
  std::string text = summary_text(results, seconds);
  if (format == OutputFormat::json) text = cases_json(results, seconds).to_pretty_string() + "\n";
  if (format == OutputFormat::csv) text = cases_csv(results);
  output.write(output.is_terminal() ? visible(text, LineBreaks::keep) : text);
  output.flush();
}

/// What came out is what is expected from now on; says what was left as it is.
ExitCode update(const Project& project, const std::vector<CaseResult>& results) {
  const auto updated = cases::update_expectations(project, results);
  if (!updated) {
    say(updated.error());
    return ExitCode::failed;
  }
  ExitCode code = ExitCode::done;
  for (const cases::UpdatedCase& each : *updated) {
    if (each.left_alone.empty()) {
      say("updated '" + each.name + "'");
    } else {
      say("left alone '" + each.name + "': " + each.left_alone);
      code = ExitCode::failed;
    }
  }
  return code;
}

}  // namespace

ExitCode test_project(const TestCommand& command, const CommandLine& line) {
  log::start(log::Level::error);
  const auto project = load(line);
  if (!project) return ExitCode::usage;
  const auto tests = cases::chosen_tests(*project, command.names);
  if (!tests) {
    say(tests.error());
    return exit_code(tests.error());
  }
  auto signals = StopSignals::block();
  if (!signals) {
    say(signals.error());
    return ExitCode::failed;
  }
  const StopWatch stop(*std::move(signals));
  DescriptorOutput output(STDOUT_FILENO);
  const bool for_people = line.format == OutputFormat::table;
  std::optional<CasesPrinter> printer;
  if (for_people) printer.emplace(output, tests->size());
  cases::RunCasesOptions options;
  options.jobs =
      command.jobs > 0 ? command.jobs : std::max(1u, std::thread::hardware_concurrency());
  if (for_people) options.done = [&](const CaseResult& result) { printer->done(result); };
  options.stop = &stop.stopped();
  const auto begin = std::chrono::steady_clock::now();
  const auto results = cases::run_cases(*project, *tests, options);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (printer) printer->clear();
  if (!results) {
    say(results.error());
    return ExitCode::failed;
  }
  print(line.format, *results, seconds, output);
  if (const auto written = write_junit(command, *project, *results, seconds); !written) {
    say(written.error());
    return ExitCode::failed;
  }
  if (results->size() < tests->size()) {
    say("stopped: " + std::to_string(tests->size() - results->size()) + " tests were not run");
    return ExitCode::failed;
  }
  if (command.update == Choice::yes) return update(*project, *results);
  const bool passed = std::all_of(results->begin(), results->end(), [](const CaseResult& result) {
    return result.status == CaseStatus::passed;
  });
  return passed ? ExitCode::done : ExitCode::failed;
}

}  // namespace weir::cli
