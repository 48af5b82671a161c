#include <unistd.h>

#include "base/log.h"
#include "cli/answer.h"
#include "cli/messages.h"
#include "cli/owner_process.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "io/atomic_file.h"
#include "io/service_notice.h"
#include "owner/claim.h"

namespace weir::cli {
namespace {

Result<void> check_ports(const UpCommand& command) {
  if (command.s3_port) {
    return fail(ErrorCode::not_yet, "--s3-port: the S3 front is not built yet", "leave it out");
  }
  return {};
}

Result<owner::LockFile> take_lock(const owner::StateDirectory& directory, StopSignals& signals) {
  owner::ClaimOptions options{.role = owner::Role::owner_only,
                              .interrupt_fd = signals.descriptor()};
  options.on_wait = [](const auto& holder) {
    say("waiting for " + (holder ? holder->to_string() : "another weir") + " to finish");
  };
  auto claim = WEIR_TRY(owner::claim(directory, own_identity(owner::lasting_verb), options));
  return std::get<owner::LockFile>(std::move(claim));
}

/// Opens what nothing can go on without now rather than at its first use: what is wrong with it is
/// told before "ready". A database may come later.
Result<void> open_all(Services& services) {
  WEIR_TRY(services.run_log());
  WEIR_TRY(services.resources());
  WEIR_TRY(services.dispatcher());
  return {};
}

/// Where a listener answers, written down for scripts: `.weir/<env>/admin` and `.weir/<env>/api`
/// hold their URLs while this process is up.
class AddressFile {
 public:
  AddressFile(const Project& project, const char* name) : path_(project.state_dir() / name) {
    remove();
    io::remove_abandoned_writes(path_.string());
  }
  ~AddressFile() { remove(); }
  AddressFile(const AddressFile&) = delete;
  AddressFile& operator=(const AddressFile&) = delete;

  Result<void> write(const std::string& url) {
    return io::write_file_atomically(path_.string(), url + "\n", io::FileAccess::owner_only);
  }

 private:
  void remove() {
    std::error_code gone_already;
    std::filesystem::remove(path_, gone_already);
  }
  const std::filesystem::path path_;
};

std::optional<ListenAddress> admin_address(const UpCommand& command, const Project& project) {
  std::optional<ListenAddress> address = project.admin;
  if (!command.admin_port) return address;
  if (!address) address.emplace();
  address->port = static_cast<uint16_t>(*command.admin_port);
  return address;
}

std::optional<ListenAddress> api_address(const UpCommand& command, const Project& project) {
  if (!project.api) return std::nullopt;
  ListenAddress address = project.api->listen;
  if (command.port) address.port = static_cast<uint16_t>(*command.port);
  return address;
}

std::string url_of(const ListenAddress& address, bool tls = false) {
  return (tls ? "https://" : "http://") + address.to_string();
}

void tell_ready(const UpCommand& command, const Project& project,
                const std::optional<ListenAddress>& admin, const std::string& api) {
  log::info("ready: {} pipelines over {} buckets in {}{}{}", project.pipelines.size(),
            project.buckets.size(), project.root.string(), api.empty() ? "" : "; API at " + api,
            admin ? "; monitoring at " + url_of(*admin) : "");
  if (!io::tell_service_manager("READY=1")) log::warning("the service manager does not listen");
  if (command.ready_descriptor >= 0) {
    if (::write(command.ready_descriptor, "1", 1) != 1) {
      log::warning("nobody reads --ready-fd {}", command.ready_descriptor);
    }
    ::close(command.ready_descriptor);
  }
}

Result<void> stay_up(const UpCommand& command, Project project, const Wiring& wiring) {
  WEIR_TRY(check_ports(command));
  StopSignals signals = WEIR_TRY(StopSignals::block());
  log::Settings log_settings = project.log;
  if (command.verbose == Choice::yes) log_settings.level = log::Level::debug;
  WEIR_TRY(log::start(log_settings));
  const std::optional<ListenAddress> address = admin_address(command, project);
  if (command.port && !project.api) complete_api(project);
  const std::optional<ListenAddress> api_at = api_address(command, project);
  const auto directory = WEIR_TRY(owner::StateDirectory::open(project.state_dir()));
  owner::LockFile lock = WEIR_TRY(take_lock(directory, signals));
  const auto process =
      WEIR_TRY(OwnerProcess::begin(directory, std::move(lock), own_identity(owner::lasting_verb),
                                   wiring.make_services(std::move(project)), signals));
  const Project& running = process->services().project();
  AddressFile admin_file(running, "admin");
  AddressFile api_file(running, "api");
  const auto admin = WEIR_TRY(process->services().start_monitoring(address));
  if (admin) WEIR_TRY(admin_file.write(url_of(*admin)));
  WEIR_TRY(open_all(process->services()));
  process->serve();
  WEIR_TRY(process->services().start_watching());
  std::string api;
  if (api_at) {
    const auto ask = [&services = process->services()](const owner::Request& request,
                                                       owner::FrameSink& sink) {
      return answer(request, services, sink);
    };
    const ListenAddress listening = WEIR_TRY(process->services().start_api(*api_at, ask));
    api = url_of(listening, !running.api->certificate.empty());
    WEIR_TRY(api_file.write(api));
  }
  tell_ready(command, running, admin, api);
  process->wait_for_stop();
  io::tell_service_manager("STOPPING=1");
  process->leave();
  log::info("stopped");
  return {};
}

}  // namespace

ExitCode up(const UpCommand& command, Project project, const Wiring& wiring) {
  const auto result = stay_up(command, std::move(project), wiring);
  if (result) return ExitCode::done;
  say(result.error());
  return exit_code(result.error());
}

}  // namespace weir::cli
