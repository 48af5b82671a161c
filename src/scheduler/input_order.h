#pragma once

#include <set>

#include "model/project.h"

namespace weir::scheduler {

/// The pipelines for which it makes a difference which of two inputs is loaded first: their table
/// has a key or unique columns, or each input replaces the table.
std::set<PipelineName> pipelines_in_order(const Project& project);

}  // namespace weir::scheduler
