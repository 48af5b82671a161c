#pragma once

#include <optional>

#include "config/resolve.h"

namespace weir::config {

/// The step as the model knows it; none, and an error, where something in it cannot be.
std::optional<Step> resolve_download(const Named<PipelineEntry>& entry,
                                     const DownloadEntry& download, const Resolving& resolving);
/// Reports a URL that cannot be asked, or not through the fence. `of` says whose it is, for people:
/// " of 'notify' of pipeline 'load'".
bool check_url(const std::string& of, const Located<std::string>& url,
               const std::vector<NetworkRule>& allow, const Resolving& resolving);
/// Reports headers that are weir's own to set, and credentials in the clear.
std::vector<HeaderSetting> resolve_headers(const std::vector<Named<Located<std::string>>>& headers,
                                           Reader& reader);
std::optional<Step> resolve_notify(const Named<PipelineEntry>& entry, const NotifyEntry& notify,
                                   const Resolving& resolving);

}  // namespace weir::config
