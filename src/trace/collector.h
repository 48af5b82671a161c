#pragma once

#include <functional>
#include <string>

#include "model/network_fence.h"
#include "model/traces.h"
#include "trace/exporter.h"

namespace weir::trace {

/// Puts secrets into a text: see secrets::fill_in.
using FillIn = std::function<Result<std::string>(const std::string& text)>;

/// Sends to the collector of the project file: POST, application/json. The URL and the headers get
/// their secrets each time, so that a changed one is used at once. What goes wrong is logged as
/// debug, without either. `ca_file` as in http::ClientOptions.
SendSpans send_to(TracesConfig config, NetworkFence fence, std::string ca_file, FillIn fill_in);

}  // namespace weir::trace
