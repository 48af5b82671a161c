#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "api/admin.h"
#include "api/pulse.h"
#include "http/server.h"
#include "metrics/metrics.h"
#include "model/project.h"
#include "scheduler/run_meter.h"

namespace weir {

/// What looks after a running weir: counts, levels, the admin listener, the service manager's
/// watchdog. Counts from the beginning; the rest when it is started.
class Monitor {
 public:
  Monitor(const Project& project, const Clock& clock);
  ~Monitor() { stop(); }

  scheduler::RunMeter& meter() { return meter_; }
  const scheduler::RunMeter& meter() const { return meter_; }

  /// Looks by `look` at intervals from now on, and answers at `address` when there is one; gives it
  /// with its real port. Errors: usage (the port is taken), io.
  Result<std::optional<ListenAddress>> start(std::function<api::Vitals()> look,
                                             const std::optional<ListenAddress>& address);
  metrics::Metrics& metrics() { return metrics_; }
  /// What it answers, also elsewhere; once it was started.
  api::Admin& admin() { return *admin_; }
  /// Answers no more and looks no more.
  void stop();
  /// What has just changed is to be seen at once, not at the next beat.
  void look_again();

 private:
  const Project& project_;
  metrics::Metrics metrics_;
  scheduler::RunMeter meter_;
  std::unique_ptr<api::Pulse> pulse_;
  std::unique_ptr<api::Admin> admin_;
  std::unique_ptr<http::Server> server_;
};

/// Free bytes on the folder's disk for who is not root; 0 when it is not known.
uint64_t free_bytes(const std::filesystem::path& folder);
/// Whether a file can be made and written in the folder: what a full or read-only disk refuses.
/// Nothing of it stays. Errors: io.
Result<void> check_writable(const std::filesystem::path& folder);

}  // namespace weir
