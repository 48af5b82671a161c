#include "wiring_traces.h"

#include <unistd.h>

#include "trace/collector.h"

namespace weir {
namespace {

/// Who the spans are of, in OpenTelemetry's names.
std::vector<trace::Attribute> resource_of(const Project& project) {
  return {{"service.name", "weir"},
          {"service.version", WEIR_VERSION},
          {"service.namespace", project.name},
          {"deployment.environment.name", project.environment},
          {"process.pid", int64_t{::getpid()}}};
}

trace::SendSpans collector_of(const Project& project, secrets::SecretStore& secrets) {
  return trace::send_to(
      *project.traces, NetworkFence(project.network), project.ca_file.string(),
      [&secrets](const std::string& text) { return secrets::fill_in(text, secrets); });
}

}  // namespace

Traces::Traces(const Project& project, secrets::SecretStore& secrets, const Clock& clock)
    : exporter_(resource_of(project), collector_of(project, secrets), {}),
      tracer_(project.traces->sample, exporter_),
      runs_(tracer_, clock) {}

std::vector<metrics::Counted> Traces::counts() const {
  const trace::Exporter::Counts counts = exporter_.counts();
  return {{"sent", counts.sent}, {"dropped", counts.dropped}, {"failed", counts.failed}};
}

}  // namespace weir
