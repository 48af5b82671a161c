#pragma once

#include <optional>

#include "config/resolve.h"

namespace weir::config {

/// Checks that the steps follow each other sensibly, as far as their kinds tell.
void check_step_order(const Named<PipelineEntry>& entry, Reader& reader);

/// Checks that the rows that reach the load fit its table: only columns it has, every required one.
/// Quiet where other errors or steps not there yet leave it open.
void check_columns_produced(const Named<PipelineEntry>& entry, const Resolving& resolving);

/// The step as the model knows it; none, and an error, where a name is unknown.
std::optional<Step> resolve_step(const Named<PipelineEntry>& entry, const StepEntry& step,
                                 const Resolving& resolving);

}  // namespace weir::config
