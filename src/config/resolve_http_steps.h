#pragma once

#include <optional>

#include "config/resolve.h"

namespace weir::config {

/// The step as the model knows it; none, and an error, where something in it cannot be.
std::optional<Step> resolve_download(const Named<PipelineEntry>& entry,
                                     const DownloadEntry& download, const Resolving& resolving);
std::optional<Step> resolve_notify(const Named<PipelineEntry>& entry, const NotifyEntry& notify,
                                   const Resolving& resolving);

}  // namespace weir::config
