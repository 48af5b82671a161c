#include "cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/messages.h"
#include "cli/owner_process.h"
#include "owner/claim.h"
#include "owner/client.h"

namespace weir::cli {
namespace {

std::string holder_text(const std::optional<owner::Identity>& holder) {
  return holder ? holder->to_string() : "another weir";
}

/// The owner wrote the lock file when it started, and read the project file just before.
bool changed_since_owner_started(const Project& project) {
  namespace fs = std::filesystem;
  std::error_code absent;
  const auto started = fs::last_write_time(project.state_dir() / owner::lock_name, absent);
  if (absent) return false;
  for (const std::string& name :
       {std::string("weir.yaml"), "weir." + project.environment + ".yaml"}) {
    const auto changed = fs::last_write_time(project.root / name, absent);
    if (!absent && changed > started) return true;
  }
  return false;
}

class Session {
 public:
  Session(const Project& project, const owner::Request& request, Presenter& presenter,
          const Wiring& wiring, StopSignals& signals)
      : project_(project),
        request_(request),
        presenter_(presenter),
        wiring_(wiring),
        signals_(signals) {}

  ExitCode run() {
    const auto directory = owner::StateDirectory::open(project_.state_dir());
    if (!directory) return end(fail(directory.error()));
    owner::ClaimOptions options{.interrupt_fd = signals_.descriptor()};
    options.on_wait = [](const auto& holder) { say("waiting for " + holder_text(holder)); };
    for (;;) {
      auto claim = owner::claim(*directory, own_identity(request_.verb), options);
      if (!claim) return end(fail(claim.error()));
      if (auto* lock = std::get_if<owner::LockFile>(&*claim)) {
        return own(*directory, std::move(*lock));
      }
      if (const auto code = ask(std::get<owner::Client>(*claim))) return *code;
    }
  }

 private:
  ExitCode end(const Result<void>& result) {
    const ExitCode code = presenter_.finish(result);
    if (!result) say(result.error());
    return code;
  }

  ExitCode own(const owner::StateDirectory& directory, owner::LockFile lock) {
    auto process = OwnerProcess::begin(directory, std::move(lock), own_identity(request_.verb),
                                       wiring_.make_services(project_), signals_);
    if (!process) return end(fail(process.error()));
    (*process)->serve();
    const ExitCode code = end((*process)->answer(request_, presenter_));
    (*process)->leave();
    return code;
  }

  /// None: claim again.
  std::optional<ExitCode> ask(owner::Client& client) {
    if (!std::exchange(change_told_, true) && changed_since_owner_started(project_)) {
      say("the project file has changed since its owner started; restart `weir up` to use it");
    }
    owner::CallOptions options{.interrupt_fd = signals_.descriptor()};
    options.on_slow = [] { say("waiting for the owner of this project to answer"); };
    const auto answered = client.call(request_, presenter_, options);
    if (!answered) {
      // An owner that drains says so, and the next one goes on.
      if (answered.error().code == ErrorCode::cancelled && go_on(client)) return std::nullopt;
      return end(fail(answered.error()));
    }
    switch (*answered) {
      case owner::CallEnd::answered:
      case owner::CallEnd::declined: return end({});
      case owner::CallEnd::unheard: return std::nullopt;
      case owner::CallEnd::interrupted: return detach(client);
      case owner::CallEnd::lost: break;
    }
    if (go_on(client)) return std::nullopt;
    return end(fail(ErrorCode::unavailable,
                    holder_text(client.owner()) + " went away in the middle of its answer"));
  }

  bool go_on(const owner::Client& client) {
    auto next = presenter_.resume(request_);
    if (!next) return false;
    request_ = *std::move(next);
    say(holder_text(client.owner()) + " went away; going on without it");
    return true;
  }

  ExitCode detach(const owner::Client& client) {
    const std::string goes_on =
        request_.verb == "run" ? "; its runs go on in " + holder_text(client.owner()) : "";
    return end(fail(ErrorCode::cancelled, "detached" + goes_on, "`weir runs` lists them"));
  }

  const Project& project_;
  owner::Request request_;
  Presenter& presenter_;
  const Wiring& wiring_;
  StopSignals& signals_;
  bool change_told_ = false;
};

}  // namespace

owner::Identity own_identity(std::string verb) {
  return {::getpid(), std::move(verb), WEIR_VERSION};
}

ExitCode perform(const Project& project, const owner::Request& request, Presenter& presenter,
                 const Wiring& wiring, StopSignals& signals) {
  return Session(project, request, presenter, wiring, signals).run();
}

}  // namespace weir::cli
