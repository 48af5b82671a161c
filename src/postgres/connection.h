#pragma once

#include <memory>

#include "base/result.h"
#include "server/connection.h"
#include "server/options.h"

namespace weir::postgres {

/// Postgres before this one is refused.
inline constexpr int oldest_major = 12;

/// A new session of a PostgreSQL server. Texts travel as UTF-8, moments are spelled in UTC and ISO
/// order, floats with all their digits, whatever the server, the database or the user have set.
///
/// Its `stream` asks for row after row; stopped early inside a transaction, it reads what is left
/// and drops it, since cancelling would end the transaction.
///
/// Errors: unavailable (nobody answers, or is starting or stopping), busy (too many connections),
/// sql (who we are, the database's name, TLS or the server's age do not fit).
Result<std::unique_ptr<server::Connection>> connect(const server::Options& options);

}  // namespace weir::postgres
