#pragma once

#include <optional>

#include "model/project.h"
#include "model/run.h"
#include "pipeline/phase_times.h"
#include "trace/tracer.h"

namespace weir::pipeline {

/// Tells the phases of the work on runs as spans below the runs' own. Costs nothing without a
/// tracer.
class PhaseSpans {
 public:
  /// All must outlive it. `tracer`: null when there are no traces.
  PhaseSpans(const Project& project, const trace::Tracer* tracer, const Clock& clock);

  /// Where the phases are noted; null when nobody wants to know.
  PhaseTimes* times() { return times_ ? &*times_ : nullptr; }
  /// The phases so far were the run's; called again, also those of others that shared the work.
  void end(const Run& run);

 private:
  const Project& project_;
  const trace::Tracer* const tracer_;
  std::optional<PhaseTimes> times_;
  std::vector<Phase> phases_;
};

}  // namespace weir::pipeline
