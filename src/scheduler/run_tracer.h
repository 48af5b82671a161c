#pragma once

#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "scheduler/run_observer.h"
#include "trace/tracer.h"

namespace weir::scheduler {

/// Tells what runs do as traces: one for each run, a span for each of its tries, below which the
/// executor puts those of the work (pipeline/phase_spans.h). Thread-safe.
class RunTracer final : public RunObserver {
 public:
  /// Both must outlive it.
  RunTracer(const trace::Tracer& tracer, const Clock& clock) : tracer_(tracer), clock_(clock) {}

  void started(const Run& run) override;
  void retried(const Run& run, const Error& error, std::chrono::milliseconds delay) override;
  void finished(const Run& run, const Receipt& receipt, RunState state) override;

 private:
  trace::Span span_of(const Run& run);

  const trace::Tracer& tracer_;
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<RunId, trace::Time> begun_;  // tries at work; guarded by mutex_
};

}  // namespace weir::scheduler
