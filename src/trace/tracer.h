#pragma once

#include <optional>

#include "model/names.h"
#include "trace/span.h"

namespace weir::trace {

/// Names spans, decides which traces are kept, and passes on spans that have ended. Thread-safe.
class Tracer {
 public:
  /// `sample`: the share of the traces begun here that is kept, 0 to 1. `sink` must outlive it.
  Tracer(double sample, SpanSink& sink);

  /// A new span: in the trace of `parent`, kept when that is; without one a trace begins.
  TraceContext begin(const std::optional<TraceContext>& parent) const;
  /// The span of a run's try, the first being 1. It follows from the run's id alone, so that who
  /// asks for a run and who sends for it can name its span before it has begun.
  TraceContext of_run(const RunId& run, int tries) const;
  /// Passes on a span of a trace that is kept, forgets any other.
  void end(Span span) const;

 private:
  bool keeps(const TraceId& trace) const;

  const double sample_;
  SpanSink& sink_;
};

}  // namespace weir::trace
