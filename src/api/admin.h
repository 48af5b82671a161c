#pragma once

#include <string>

#include "api/pulse.h"
#include "http/message.h"
#include "metrics/metrics.h"

namespace weir::api {

/// The routes of the admin listener, GET and HEAD only:
/// /metrics  Prometheus' text format
/// /healthz  200 while the process lives and its threads move, else 503; JSON
/// /readyz   200 while it does its work, else 503; JSON that says what is not ready
/// Everything else is a problem (404, 405). Thread-safe; touches no lock of the parts, and no disk.
class Admin {
 public:
  /// Both must outlive it.
  Admin(metrics::Metrics& metrics, Pulse& pulse) : metrics_(metrics), pulse_(pulse) {}

  http::Response answer(const http::Request& request);

  /// A look at the parts that takes longer means that one of them hangs.
  static constexpr Pulse::Interval longest_look{30'000};
  /// A look that is older than this is repeated when somebody asks.
  static constexpr Pulse::Interval fresh{1'000};
  static constexpr Pulse::Interval patience{2'000};

 private:
  http::Response show_metrics();
  http::Response show_health() const;
  http::Response show_readiness();

  metrics::Metrics& metrics_;
  Pulse& pulse_;
};

}  // namespace weir::api
