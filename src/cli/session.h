#pragma once

#include "cli/presenter.h"
#include "cli/services.h"
#include "cli/stop_signals.h"
#include "owner/protocol.h"

namespace weir::cli {

/// Who this process is to others.
owner::Identity own_identity(std::string verb);

/// Has one request answered, by the owner when there is one, else as the owner, and its answer
/// presented. An owner that goes away in the middle is succeeded where the presenter can go on.
/// Says errors itself.
ExitCode perform(const Project& project, const owner::Request& request, Presenter& presenter,
                 const Wiring& wiring, StopSignals& signals);

}  // namespace weir::cli
