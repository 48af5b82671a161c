#pragma once

#include "metrics/api_metrics.h"
#include "pipeline/row_requests.h"
#include "trace/tracer.h"

namespace weir::api {

/// Counts group commits, and tells them as traces: one for each commit, linked with the spans of
/// the requests that share it, and those with it. Thread-safe.
class CommitNotes final : public pipeline::RowsObserver {
 public:
  /// Both must outlive it. `tracer`: null when there are no traces.
  CommitNotes(metrics::ApiMetrics& metrics, const trace::Tracer* tracer)
      : metrics_(metrics), tracer_(tracer) {}

  std::optional<trace::TraceContext> committed(const pipeline::RowsCommit& commit) override;

 private:
  metrics::ApiMetrics& metrics_;
  const trace::Tracer* const tracer_;
};

}  // namespace weir::api
