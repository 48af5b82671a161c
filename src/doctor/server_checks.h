#pragma once

#include <functional>
#include <memory>

#include "doctor/finding.h"
#include "model/project.h"
#include "server/connection.h"

namespace weir::doctor {

/// A new session of a server of the project.
using ConnectServer =
    std::function<Result<std::unique_ptr<server::Connection>>(const DatabaseName&)>;

/// A database on a server: it answers, nobody on the way can listen, weir's user may do what the
/// loads of this project do, and has room for its sessions. Writes nothing. The first finding says
/// what is there; the others are troubles, each with what mends it.
Findings check_server(const Project& project, const DatabaseConfig& config,
                      const ConnectServer& connect);

}  // namespace weir::doctor
