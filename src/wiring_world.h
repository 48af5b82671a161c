#pragma once

#include <memory>

#include "cli/services.h"
#include "model/project.h"

namespace weir {

/// The graph of objects behind the verbs: databases, buckets, run log, executor, dispatcher,
/// watcher, each built at its first use.
std::unique_ptr<cli::Services> make_world(Project project);

}  // namespace weir
