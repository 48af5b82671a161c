#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "model/project.h"
#include "server/connection.h"

namespace weir::pipeline {

/// Sessions of servers that nobody is in, kept for who asks next. Thread-safe.
class IdleConnections {
 public:
  static constexpr size_t most = 8;  ///< of a database
  static constexpr std::chrono::seconds longest{60};

  using Time = std::chrono::steady_clock::time_point;

  /// The one that was used last; null: none is there. Its server may have gone meanwhile.
  std::unique_ptr<server::Connection> take(const DatabaseName& database);
  /// Outside a transaction, with nothing on its way to interrupt it. One too many is closed.
  void keep(const DatabaseName& database, std::unique_ptr<server::Connection> connection,
            Time now = std::chrono::steady_clock::now());
  /// Closes those that nobody has asked for in `longest`.
  void close_old(Time now = std::chrono::steady_clock::now());

 private:
  struct Idle {
    std::unique_ptr<server::Connection> connection;
    Time since;
  };
  std::mutex mutex_;
  std::map<DatabaseName, std::vector<Idle>> idle_;  // guarded by mutex_; the last used at the end
};

}  // namespace weir::pipeline
