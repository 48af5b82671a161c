#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runlog/run_log_values.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog {

// Notices that are still to be delivered. What each does: see RunLog; the connection's owner holds
// its mutex, and a transaction where rows are written.

/// `number` is the row of its run. One of the same id, from an earlier end of the run, gives way.
Result<void> add_notice(SqliteConnection& connection, int64_t number, const Notice& notice,
                        Timestamp now);
Result<std::vector<Notice>> due_notices(SqliteConnection& connection, Timestamp now, size_t limit);
Result<std::optional<Timestamp>> next_notice_due(SqliteConnection& connection, Timestamp now);
Result<void> hold_notice(SqliteConnection& connection, const std::string& id, Timestamp now,
                         Timestamp not_before, const LogLine& line);
Result<void> give_up_notice(SqliteConnection& connection, const std::string& id,
                            const LogLine& line);

}  // namespace weir::runlog
