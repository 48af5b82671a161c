#pragma once

#include <memory>

#include "base/result.h"
#include "server/connection.h"
#include "server/options.h"

namespace weir::mysql {

/// A session of MariaDB (10.5 or later) or MySQL (8.0.17 or later), in strict SQL mode, in UTC, at
/// READ COMMITTED, whatever the server's own settings are. A host that begins with '/' is a
/// socket's path; any other is reached by TCP, "localhost" too.
///
/// Errors as server/connection.h has them; `sql` also when the server is too old, or when it
/// refuses the user, whose password no message holds.
Result<std::unique_ptr<server::Connection>> connect(const server::Options& options);

}  // namespace weir::mysql
