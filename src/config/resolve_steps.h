#pragma once

#include <optional>

#include "config/resolve.h"

namespace weir::config {

/// Checks that the steps follow each other sensibly, as far as their kinds tell.
void check_step_order(const Named<PipelineEntry>& entry, Reader& reader);

/// The step as the model knows it; none, and an error, where a name is unknown.
std::optional<Step> resolve_step(const Named<PipelineEntry>& entry, const StepEntry& step,
                                 const Resolving& resolving);

}  // namespace weir::config
