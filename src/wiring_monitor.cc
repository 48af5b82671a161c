#include "wiring_monitor.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "io/descriptor.h"
#include "io/free_memory.h"
#include "io/service_notice.h"
#include "io/system_error.h"

namespace weir {
namespace {

using std::chrono::milliseconds;

/// Between two looks; shorter when the service manager wants to hear more often.
constexpr milliseconds look_interval{5'000};

milliseconds beat_interval() {
  const auto limit = io::watchdog_limit();
  if (!limit) return look_interval;
  return std::clamp(std::chrono::duration_cast<milliseconds>(*limit / 3), milliseconds(100),
                    look_interval);
}

/// Who may ask a listener on this machine alone: a page in a browser that has made its own name
/// mean 127.0.0.1 may not.
std::vector<std::string> names_of(const ListenAddress& address) {
  if (!address.loopback()) return {};
  return {"localhost", address.host, "[::1]", "127.0.0.1"};
}

}  // namespace

Monitor::Monitor(const Project& project, const Clock& clock)
    : project_(project), metrics_(WEIR_VERSION), meter_(metrics_, clock) {
  std::vector<PipelineName> pipelines;
  for (const Pipeline& pipeline : project_.pipelines) pipelines.push_back(pipeline.name);
  metrics_.expect(pipelines);
  for (const DatabaseConfig& database : project_.databases) metrics_.breaker(database.name, false);
}

void Monitor::look_again() {
  constexpr milliseconds patience{2'000};
  if (pulse_) pulse_->latest(milliseconds(0), patience);
}

void Monitor::stop() {
  server_.reset();  // before what it asks
  admin_.reset();
  pulse_.reset();
}

Result<std::optional<ListenAddress>> Monitor::start(std::function<api::Vitals()> look,
                                                    const std::optional<ListenAddress>& address) {
  pulse_ = std::make_unique<api::Pulse>(
      std::move(look),
      [this](const api::Vitals& vitals) {
        metrics_.set(vitals.levels);
        io::tell_service_manager("WATCHDOG=1");
        io::release_free_memory();
      },
      beat_interval());
  admin_ = std::make_unique<api::Admin>(metrics_, *pulse_);
  if (!address) return std::nullopt;
  http::ServerOptions options;
  options.address = *address;
  options.most_connections = 64;
  options.body_bytes = 0;
  options.hosts = names_of(*address);
  server_ = WEIR_TRY(http::Server::listen(std::move(options), [this](const http::Request& request) {
    return admin_->answer(request);
  }));
  return std::optional(server_->address());
}

uint64_t free_bytes(const std::filesystem::path& folder) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return 0;
  return uint64_t{disk.f_bavail} * disk.f_frsize;
}

Result<void> check_writable(const std::filesystem::path& folder) {
  constexpr mode_t owner_only = 0600;
  const io::Descriptor file(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, owner_only));
  if (!file) {
    if (errno == EOPNOTSUPP) return {};  // a file system without nameless files: the run log says
    return fail(io::system_error("write to", folder.string()));
  }
  static constexpr std::array<char, 4096> page{};
  if (::write(file.get(), page.data(), page.size()) != static_cast<ssize_t>(page.size())) {
    return fail(io::system_error("write to", folder.string()));
  }
  return {};
}

}  // namespace weir
