#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "pipeline/session.h"

namespace weir::pipeline {

/// A request that may be asked again under its key.
struct StoredRequest {
  std::string key;      ///< the caller's, and whose it is
  std::string digest;   ///< tells its rows from others under the same key
  std::string receipt;  ///< JSON
  Timestamp committed_at{};
};

/// weir_requests in the target database of a session: the receipts of requests with an idempotency
/// key. Written in the transaction of the rows. One thread at a time.
class RequestLedger {
 public:
  explicit RequestLedger(Session& session) : session_(session) {}

  /// Makes the table where it is missing; outside of a transaction, before all else.
  Result<void> prepare();
  /// All keys that are known, one by one. Of a DuckDB file.
  Result<void> each_key(const std::function<void(std::string_view)>& tell);
  /// Those of these keys that are known.
  Result<std::vector<StoredRequest>> find(std::span<const std::string> keys);
  /// Errors: busy when another owner has committed one of the keys meanwhile.
  Result<void> write(std::span<const StoredRequest> requests);
  /// Forgets what was committed before that time. Outside of a transaction.
  Result<void> forget(Timestamp before);

 private:
  using Row = std::vector<std::string>;
  Result<std::vector<Row>> run(const std::string& sql, std::span<const std::string> parameters);

  Session& session_;
};

}  // namespace weir::pipeline
