#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "metrics/metrics.h"
#include "model/project.h"
#include "scheduler/run_tracer.h"
#include "secrets/secret_store.h"
#include "trace/exporter.h"
#include "trace/tracer.h"

namespace weir {

/// The traces of a weir whose project asks for them: who names spans, and who sends them.
class Traces {
 public:
  /// `project` has `traces`. All must outlive it.
  Traces(const Project& project, secrets::SecretStore& secrets, const Clock& clock);

  const trace::Tracer& tracer() const { return tracer_; }
  scheduler::RunTracer& runs() { return runs_; }
  /// What became of spans.
  std::vector<metrics::Counted> counts() const;
  /// Sends what waits within `grace`, drops the rest, takes no more.
  void stop(std::chrono::milliseconds grace) { exporter_.stop(grace); }

 private:
  trace::Exporter exporter_;
  trace::Tracer tracer_;
  scheduler::RunTracer runs_;
};

}  // namespace weir
