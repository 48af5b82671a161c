#pragma once

#include <memory>

#include "base/result.h"
#include "duckdb/connection.h"
#include "server/connection.h"

namespace weir::pipeline {

/// A transaction of a session's target. Rolled back when it goes out of scope without a commit.
class LoadTransaction {
 public:
  virtual ~LoadTransaction() = default;
  /// Errors: of the target; unavailable: it went away, and whether it committed is not known.
  virtual Result<void> commit() = 0;
};

/// Of a target that is the very connection.
Result<std::unique_ptr<LoadTransaction>> begin_in_file(duckdb::Connection& connection);
/// Of a target on a server: what is done in DuckDB meanwhile, in temporary tables, needs none.
Result<std::unique_ptr<LoadTransaction>> begin_on_server(server::Connection& connection);
/// Within one that is begun, and goes on. Its commit has the server check what it defers, too.
/// `lost` is set when it could not be rolled back by itself.
Result<std::unique_ptr<LoadTransaction>> begin_within(server::Connection& connection, bool& lost);

}  // namespace weir::pipeline
