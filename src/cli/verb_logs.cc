#include <poll.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/log_presenter.h"
#include "cli/messages.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace weir::cli {
namespace {

/// Between two looks of one who follows. Each is a request of its own, so that no thread of the
/// owner waits for readers, and an owner may come and go meanwhile.
constexpr int follow_interval_ms = 500;

/// False: a stop signal has come.
bool wait_for_more(StopSignals& signals) {
  pollfd watched{signals.descriptor(), POLLIN, 0};
  return ::poll(&watched, 1, follow_interval_ms) <= 0 || !signals.take();
}

}  // namespace

ExitCode logs(const CommandLine& line, const LogsCommand& command, const Project& project,
              const Wiring& wiring) {
  log::start(log::Level::error);
  auto signals = StopSignals::block();
  if (!signals) {
    say(signals.error());
    return ExitCode::failed;
  }
  DescriptorOutput output(STDOUT_FILENO);
  LogPresenter presenter(line.format, output, command.run.empty());
  text::Json args = text::Json::object();
  args.set("run", command.run).set("level", command.level).set("limit", command.limit);
  owner::Request request{WEIR_VERSION, "logs", std::move(args)};
  for (;;) {
    const ExitCode code = perform(project, request, presenter, wiring, *signals);
    if (code != ExitCode::done || command.follow == Choice::no) return code;
    if (presenter.ended() || !presenter.open()) return code;
    if (!wait_for_more(*signals)) return code;
    request = presenter.next(std::move(request));
  }
}

}  // namespace weir::cli
