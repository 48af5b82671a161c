#pragma once

#include "base/result.h"
#include "duckdb/connection.h"

namespace weir::pipeline {

/// Creates the ledger's tables in a database, and brings those of an older weir up to date: what
/// they hold stays. Everything or nothing. Errors: sql, io.
Result<void> create_ledger_tables(duckdb::Connection& connection);

}  // namespace weir::pipeline
