#include "pipeline/phase_spans.h"

namespace weir::pipeline {
namespace {

/// A step as the project file calls it.
std::string_view word_of(const Step& step) {
  struct Word {
    std::string_view operator()(const ReadStep&) const { return "read"; }
    std::string_view operator()(const SelectStep&) const { return "select"; }
    std::string_view operator()(const WhereStep&) const { return "where"; }
    std::string_view operator()(const UnnestStep&) const { return "unnest"; }
    std::string_view operator()(const DedupeStep&) const { return "dedupe"; }
    std::string_view operator()(const AggregateStep&) const { return "aggregate"; }
    std::string_view operator()(const CheckStep&) const { return "check"; }
    std::string_view operator()(const SqlStep&) const { return "sql"; }
    std::string_view operator()(const LoadStep&) const { return "load"; }
    std::string_view operator()(const DownloadStep&) const { return "download"; }
    std::string_view operator()(const NotifyStep&) const { return "notify"; }
    std::string_view operator()(const LaterStep&) const { return "later"; }
  };
  return std::visit(Word{}, step);
}

/// The steps that a phase does the work of. Rows go through all steps before the load as they are
/// read, or queried: there is no time that is one of those steps' alone.
std::vector<std::string> steps_of(const Pipeline& pipeline, std::string_view phase) {
  std::vector<std::string> steps;
  for (const Step& step : pipeline.steps) {
    const bool loads = std::holds_alternative<LoadStep>(step);
    const bool tells = std::holds_alternative<NotifyStep>(step);
    const bool before = phase == "read" || phase == "query" || phase == "download";
    if (!tells && loads != before) steps.emplace_back(word_of(step));
  }
  return steps;
}

}  // namespace

PhaseSpans::PhaseSpans(const Project& project, const trace::Tracer* tracer, const Clock& clock)
    : project_(project), tracer_(tracer) {
  if (tracer != nullptr) times_.emplace(clock);
}

void PhaseSpans::end(const Run& run) {
  if (tracer_ == nullptr) return;
  if (phases_.empty()) phases_ = times_->take();
  const trace::TraceContext of = tracer_->of_run(run.id, run.tries);
  if (!of.sampled) return;
  const Pipeline* pipeline = project_.find_pipeline(run.pipeline);
  for (const Phase& phase : phases_) {
    trace::Span span;
    span.context = tracer_->begin(of);
    span.parent = of.span;
    span.name = phase.name;
    if (phase.name == "download") span.kind = trace::SpanKind::client;
    span.begun = phase.begun;
    span.ended = phase.ended;
    if (pipeline != nullptr) {
      span.attributes.emplace_back("weir.steps", steps_of(*pipeline, phase.name));
    }
    tracer_->end(std::move(span));
  }
}

}  // namespace weir::pipeline
