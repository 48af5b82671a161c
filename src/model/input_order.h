#pragma once

#include "model/project.h"

namespace weir {

/// Whether it makes a difference which of two inputs of the pipeline is loaded first: its table has
/// a key or unique columns, or refers to itself, or each input replaces the table.
bool input_order_matters(const Project& project, const Pipeline& pipeline);

}  // namespace weir
