#pragma once

#include "config/resolve.h"

namespace weir::config {

/// Checks that the rows that reach the load fit its table: only columns it has, every required one.
/// Quiet where other errors, steps not there yet or a query's columns leave it open.
void check_columns_produced(const Named<PipelineEntry>& entry, const Resolving& resolving);

}  // namespace weir::config
