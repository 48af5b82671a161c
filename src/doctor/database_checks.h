#pragma once

#include <functional>

#include "doctor/finding.h"
#include "doctor/server_checks.h"
#include "duckdb/database.h"
#include "model/project.h"
#include "runlog/run_log.h"

namespace weir::doctor {

/// Gives an open database of the project. Called only for those whose file is there.
using OpenDatabase = std::function<Result<duckdb::Database*>(const DatabaseName&)>;
using OpenRunLog = std::function<Result<runlog::RunLog*>()>;

/// Each database: opens, answers, can be written, holds weir's ledger. On a server: see
/// server_checks.h.
Findings check_databases(const Project& project, const OpenDatabase& open,
                         const ConnectServer& connect);
/// The run log opens; what waits in it for a person.
Findings check_run_log(const OpenRunLog& open);

}  // namespace weir::doctor
