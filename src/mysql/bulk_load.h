#pragma once

#include <memory>

#include "mysql/session.h"

namespace weir::mysql {

/// By LOAD DATA LOCAL INFILE; where the server forbids that, by INSERTs of many rows each: as text,
/// which one encoder writes for both, not as prepared statements, whose 65,535 parameters are but a
/// few thousand rows. Rows are encoded on the caller's thread and sent on another.
///
/// Within a transaction of the session, a load that fails leaves nothing of itself and the
/// transaction as it was (a savepoint). Outside, it is its own transaction.
Result<std::unique_ptr<server::BulkLoad>> start_bulk_load(Session& session,
                                                          const server::BulkTarget& target);

}  // namespace weir::mysql
