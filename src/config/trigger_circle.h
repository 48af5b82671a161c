#pragma once

#include "config/resolve.h"

namespace weir::config {

/// Reports pipelines that start each other in a circle: one writes (`write`, `download`) what
/// another one's `object` trigger waits for, or starts it by name (`run`).
void check_trigger_circles(const ProjectEntry& entry, Reader& reader);

}  // namespace weir::config
