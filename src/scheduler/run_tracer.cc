#include "scheduler/run_tracer.h"

namespace weir::scheduler {
namespace {

void add_rows(trace::Span& span, const RowCounts& rows) {
  const auto add = [&](std::string_view name, uint64_t count) {
    if (count > 0) span.attributes.emplace_back(name, static_cast<int64_t>(count));
  };
  add("weir.rows.read", rows.read);
  add("weir.rows.inserted", rows.inserted);
  add("weir.rows.updated", rows.updated);
  add("weir.rows.unchanged", rows.unchanged);
  add("weir.rows.deduplicated", rows.deduplicated);
  add("weir.rows.filtered", rows.filtered);
  add("weir.rows.rejected", rows.rejected);
}

}  // namespace

void RunTracer::started(const Run& run) {
  if (!tracer_.of_run(run.id, run.tries).sampled) return;
  const std::lock_guard lock(mutex_);
  begun_[run.id] = clock_.now();
}

/// Of the try that has just ended.
trace::Span RunTracer::span_of(const Run& run) {
  trace::Span span;
  span.context = tracer_.of_run(run.id, run.tries);
  if (!span.context.sampled) return span;
  span.name = "run " + run.pipeline.value();
  span.begun = span.ended = clock_.now();
  {
    const std::lock_guard lock(mutex_);
    const auto begun = begun_.find(run.id);
    if (begun != begun_.end()) {
      span.begun = begun->second;
      begun_.erase(begun);
    }
  }
  span.attributes = {{"weir.run", run.id.value()},
                     {"weir.pipeline", run.pipeline.value()},
                     {"weir.trigger", run.trigger},
                     {"weir.try", int64_t{run.tries}}};
  if (run.object) span.attributes.emplace_back("weir.object", run.object->to_string());
  return span;
}

void RunTracer::retried(const Run& run, const Error& error, std::chrono::milliseconds) {
  trace::Span span = span_of(run);
  if (!span.context.sampled) return;
  span.error = error.message;
  tracer_.end(std::move(span));
}

void RunTracer::finished(const Run& run, const Receipt& receipt, RunState state) {
  trace::Span span = span_of(run);
  if (!span.context.sampled) return;
  span.attributes.emplace_back("weir.state", std::string(to_string(state)));
  add_rows(span, receipt.rows);
  if (receipt.error) span.error = receipt.error->message;
  tracer_.end(std::move(span));
}

}  // namespace weir::scheduler
