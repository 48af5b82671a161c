#pragma once

#include <filesystem>

#include "model/project.h"

namespace weir::cases {

/// The project with nothing of its own: each database is one in memory, each bucket an empty folder
/// below `folder`, where its state would go, too. No step is left that reaches outside.
Project scratch_project(const Project& project, const std::filesystem::path& folder,
                        uint64_t memory_bytes);

}  // namespace weir::cases
