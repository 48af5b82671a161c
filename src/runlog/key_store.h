#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/api_key.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog {

/// A key that was just made.
struct NewKey {
  ApiKey key;
  std::string secret;  ///< what the caller sends; nobody can tell it again
};

/// The API's keys, in a SQLite file of their own: unlike the run log it cannot be rebuilt.
/// Thread-safe; looking a key up takes no disk.
class KeyStore {
 public:
  /// Makes the file (0600) where it is missing. Errors: io, invalid_input (no such file).
  static Result<std::unique_ptr<KeyStore>> open(const std::string& path);

  Result<NewKey> create(const std::string& name, KeyScopes scopes, const std::string& plan,
                        Timestamp now);
  /// The oldest first; revoked ones, too.
  std::vector<ApiKey> list() const;
  /// By id, or by a name that one key in use has. Errors: not_found, usage (several have it).
  Result<ApiKey> revoke(const std::string& id_or_name, Timestamp now);

  /// The key that this is the secret of, unless it was revoked.
  std::optional<ApiKey> find(std::string_view secret) const;

  /// Requests that keys with a daily quota have made: kept over a restart.
  /// Days count from 1970, UTC.
  Result<uint64_t> requests(const std::string& key, int64_t day) const;
  Result<void> set_requests(const std::string& key, int64_t day, uint64_t requests);

 private:
  explicit KeyStore(std::unique_ptr<SqliteConnection> connection)
      : connection_(std::move(connection)) {}
  Result<void> load();

  mutable std::mutex connection_mutex_;
  std::unique_ptr<SqliteConnection> connection_;  // guarded by connection_mutex_
  mutable std::shared_mutex keys_mutex_;
  std::vector<ApiKey> keys_;                           // guarded by keys_mutex_
  std::unordered_map<std::string, size_t> by_digest_;  // likewise: in use, place in keys_
};

}  // namespace weir::runlog
