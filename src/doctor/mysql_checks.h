#pragma once

#include "base/result.h"
#include "doctor/finding.h"
#include "model/project.h"
#include "server/connection.h"
#include "server/options.h"

namespace weir::doctor {

/// The findings of check_server about a MySQL or MariaDB; who asks names what was looked at.
/// Errors: those of server::Connection::run.
Result<Findings> look_at_mysql(const Project& project, const DatabaseConfig& config,
                               const server::Options& options, server::Connection& server);

}  // namespace weir::doctor
