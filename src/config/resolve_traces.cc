#include "config/resolve.h"
#include "config/resolve_http_steps.h"

namespace weir::config {

void resolve_traces(Resolving& resolving) {
  const auto& entry = resolving.entry.traces;
  if (!entry || !entry->url.given()) return;  // reported when it was read
  if (entry->url.value.find("${run.") != std::string::npos) {
    resolving.reader.error(entry->url.location,
                           "the URL of 'traces' holds ${run.…}, and traces are not of one run",
                           "remove the reference");
    return;
  }
  if (!check_url(" of 'traces'", entry->url, {}, resolving)) return;
  TracesConfig traces;
  traces.url = entry->url.value;
  traces.headers = resolve_headers(entry->headers, resolving.reader);
  traces.sample = entry->sample.value;
  traces.location = entry->location;
  resolving.project.traces = std::move(traces);
}

}  // namespace weir::config
