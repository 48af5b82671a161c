#pragma once

#include "config/pipeline_entry.h"
#include "model/pipeline.h"

namespace weir::config {

/// The row steps as the model knows them. What their columns and expressions mean is checked where
/// the rows' columns are known.
UnnestStep resolve_unnest(const UnnestEntry& entry);
DedupeStep resolve_dedupe(const DedupeEntry& entry);
AggregateStep resolve_aggregate(const std::string& pipeline, const AggregateEntry& entry,
                                Reader& reader);
CheckStep resolve_check(const std::string& pipeline, const StepEntry& step, Reader& reader);

}  // namespace weir::config
