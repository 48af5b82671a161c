#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog {

/// The version this build writes.
int64_t schema_version();

/// Brings the database to a schema version, one transaction per step; each step leaves a row in
/// `migrations`. Errors: invalid_input when a newer weir wrote it, io, busy.
Result<void> migrate_schema(SqliteConnection& connection, Timestamp now,
                            int64_t to = schema_version());

}  // namespace weir::runlog
