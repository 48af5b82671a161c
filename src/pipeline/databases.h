#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/database.h"
#include "model/project.h"
#include "pipeline/idle_connections.h"
#include "pipeline/table_locks.h"
#include "secrets/secret_store.h"
#include "server/connection.h"

namespace weir::pipeline {

/// The project's databases, each opened at its first use, and anew after it broke. Whoever works in
/// one keeps the pointer as long as he does. Thread-safe.
class Databases {
 public:
  using Pointer = std::shared_ptr<duckdb::Database>;
  /// With less room on its disk than this nothing is loaded into a database.
  static constexpr uint64_t least_room_bytes = 16u << 20;

  /// Opens nothing. All must outlive it.
  Databases(const Project& project, TableLocks& locks, secrets::SecretStore& secrets)
      : project_(project), locks_(locks), secrets_(secrets) {}

  /// A new session of the server that the database is on. Errors: as server::Connection has them,
  /// with the database's name; those of its secrets.
  Result<std::unique_ptr<server::Connection>> connect(const DatabaseName& name);
  /// Sessions for who comes often and stays briefly; when none is there, `connect`.
  IdleConnections& idle_connections() { return idle_connections_; }
  /// Where rows on their way into the database are computed: itself, as open_to_load gives it; of
  /// one on a server, which has answered before, an empty DuckDB in memory. Errors: those of
  /// open_to_load and connect.
  Result<Pointer> open_workshop(const DatabaseName& name);
  /// Where rows are computed for what keeps nothing: the database itself, as open() gives it; of
  /// one on a server, which is not asked, an empty DuckDB in memory. Errors: those of open().
  Result<Pointer> open_to_look(const DatabaseName& name);
  /// As open_workshop; asks the server anew, where there is one.
  Result<void> reach(const DatabaseName& name);

  /// The database, open, with its ledger tables. Errors, each with what mends it:
  /// not_found (the project has no such database), not_yet (it is on a server), busy (another
  /// program has the file open, and which), io (folder, disk), invalid_input (no DuckDB file),
  /// unavailable (it broke, and somebody still works in it).
  Result<Pointer> open(const DatabaseName& name);
  /// The same, and the dictionary's tables are made where they are missing, so that SQL can name
  /// them before their first load. Says nothing of tables that have drifted: the runs that load
  /// them do.
  Result<Pointer> open_with_tables(const DatabaseName& name);
  /// The same; also io when its disk is full: a load could not be committed.
  Result<Pointer> open_to_load(const DatabaseName& name);
  /// It answers nothing any more (duckdb::Database::works): the next open() opens it anew, as soon
  /// as nobody holds the broken one.
  void lost(const Pointer& database);
  /// Whether it is what open() gives: not lost.
  bool is_open(const Pointer& database);

  /// duckdb::Database::release_memory of those that are open; closes sessions that were long idle.
  void release_memory();

  /// Sorted.
  std::vector<DatabaseName> names() const;
  /// Errors: not_found.
  Result<Engine> engine_of(const DatabaseName& name) const;

 private:
  struct Entry {
    std::mutex mutex;  // guards all below; held while it is opened
    Pointer open;
    bool has_tables = false;
    bool reached = false;  ///< on a server: it answered, and has its ledger
    std::weak_ptr<duckdb::Database> broken;
  };

  Result<const DatabaseConfig*> config_of(const DatabaseName& name) const;
  Entry& entry_of(const DatabaseName& name);
  Result<Pointer> open_duckdb(const DatabaseConfig& config);
  Result<void> open_entry(const DatabaseConfig& config, Entry& entry);
  Result<void> make_tables(const DatabaseName& name, duckdb::Database& database);

  Result<void> reach_server(const DatabaseConfig& config);

  const Project& project_;
  TableLocks& locks_;
  secrets::SecretStore& secrets_;
  std::mutex mutex_;
  std::map<DatabaseName, Entry> entries_;  // guarded by mutex_; never shrinks
  IdleConnections idle_connections_;
};

}  // namespace weir::pipeline
