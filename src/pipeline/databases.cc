#include "pipeline/databases.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/log.h"
#include "duckdb/connection.h"
#include "mysql/connection.h"
#include "pipeline/drift.h"
#include "pipeline/ledger_schema.h"
#include "pipeline/server_ledger.h"
#include "postgres/connection.h"
#include "server/url.h"

namespace weir::pipeline {
namespace {

namespace fs = std::filesystem;

/// What of `memory:` goes to DuckDB: the rest is for the process itself, read buffers, the run
/// log, and what DuckDB does not count, some 40 MB at a checkpoint.
uint64_t duckdb_memory(const Project& project, size_t databases) {
  constexpr uint64_t reserved = 160u << 20;
  const uint64_t least = project.memory_bytes * 3 / 10;
  const uint64_t rest = project.memory_bytes - std::min(project.memory_bytes, reserved);
  return std::max(rest * 8 / 10, least) / std::max<size_t>(databases, 1);
}

Result<void> make_folder(const fs::path& folder, const std::string& why,
                         const DatabaseConfig& config) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return {};
  return fail(ErrorCode::io, "cannot make the folder '" + folder.string() + "': " + error.message(),
              why, config.location);
}

Result<void> check_room(const DatabaseConfig& config) {
  if (config.path.empty()) return {};
  std::error_code error;
  const fs::space_info space = fs::space(config.path.parent_path(), error);
  if (error || space.available >= Databases::least_room_bytes) return {};
  return fail(ErrorCode::io,
              fmt::format("the disk of database '{}' is full: {} bytes are left in '{}'",
                          config.name.value(), space.available, config.path.parent_path().string()),
              "make room there", config.location);
}

}  // namespace

Result<Databases::Pointer> Databases::open(const DatabaseName& name) {
  const DatabaseConfig& config = *WEIR_TRY(config_of(name));
  if (config.engine != Engine::duckdb) {
    return fail(ErrorCode::not_yet,
                "database '" + name.value() + "' is on a server, and this does not work there yet",
                "a load does; ask the server itself for the rest", config.location);
  }
  return open_duckdb(config);
}

Result<Databases::Pointer> Databases::open_duckdb(const DatabaseConfig& config) {
  Entry& entry = entry_of(config.name);
  const std::lock_guard lock(entry.mutex);
  WEIR_TRY(open_entry(config, entry));
  return entry.open;
}

Result<Databases::Pointer> Databases::open_with_tables(const DatabaseName& name) {
  Pointer database = WEIR_TRY(open(name));
  Entry& entry = entry_of(name);
  {
    const std::lock_guard lock(entry.mutex);
    if (entry.has_tables) return database;
  }
  // Not under the entry's lock: a plan may hold the tables' locks for long.
  WEIR_TRY(make_tables(name, *database));
  const std::lock_guard lock(entry.mutex);
  entry.has_tables = entry.open == database;
  return database;
}

Result<Databases::Pointer> Databases::open_to_load(const DatabaseName& name) {
  WEIR_TRY(check_room(*WEIR_TRY(config_of(name))));
  return open_with_tables(name);
}

Result<Databases::Pointer> Databases::open_workshop(const DatabaseName& name) {
  const DatabaseConfig& config = *WEIR_TRY(config_of(name));
  if (config.engine == Engine::duckdb) return open_to_load(name);
  Entry& entry = entry_of(name);
  bool reached = false;
  {
    const std::lock_guard lock(entry.mutex);
    reached = entry.reached;
  }
  if (!reached) WEIR_TRY(reach_server(config));
  return open_duckdb(config);
}

Result<Databases::Pointer> Databases::open_to_look(const DatabaseName& name) {
  return open_duckdb(*WEIR_TRY(config_of(name)));
}

Result<void> Databases::reach(const DatabaseName& name) {
  const DatabaseConfig& config = *WEIR_TRY(config_of(name));
  if (config.engine != Engine::duckdb) WEIR_TRY(reach_server(config));
  WEIR_TRY(open_workshop(name));
  return {};
}

Result<void> Databases::reach_server(const DatabaseConfig& config) {
  const auto connection = WEIR_TRY(connect(config.name));
  WEIR_TRY(create_server_ledger(*connection, config.engine));
  Entry& entry = entry_of(config.name);
  const std::lock_guard lock(entry.mutex);
  entry.reached = true;
  return {};
}

Result<std::unique_ptr<server::Connection>> Databases::connect(const DatabaseName& name) {
  const DatabaseConfig& config = *WEIR_TRY(config_of(name));
  const auto fill_in = [&](std::string_view text) { return secrets::fill_in(text, secrets_); };
  const auto options =
      WEIR_TRY(server::with_secrets(WEIR_TRY(server::parse_url(config.url)), fill_in));
  auto connection =
      config.engine == Engine::mysql ? mysql::connect(options) : postgres::connect(options);
  if (connection) return connection;
  Error error = std::move(connection).error();
  error.message = "database '" + name.value() + "': " + error.message;
  error.location = config.location;
  return fail(std::move(error));
}

void Databases::lost(const Pointer& database) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, entry] : entries_) {
    const std::lock_guard entry_lock(entry.mutex);
    if (entry.open != database) continue;
    log::error("database {} broke, and is opened anew", name.value());
    entry.broken = entry.open;
    entry.open.reset();
    entry.has_tables = false;
    entry.reached = false;
  }
}

bool Databases::is_open(const Pointer& database) {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(entries_, [&](auto& named) {
    const std::lock_guard entry_lock(named.second.mutex);
    return named.second.open == database;
  });
}

void Databases::release_memory() {
  idle_connections_.close_old();
  std::vector<Pointer> open;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, entry] : entries_) {
      // One that is being opened has nothing to give.
      const std::unique_lock entry_lock(entry.mutex, std::try_to_lock);
      if (entry_lock && entry.open) open.push_back(entry.open);
    }
  }
  for (const Pointer& database : open) database->release_memory();
}

std::vector<DatabaseName> Databases::names() const {
  std::vector<DatabaseName> names;
  for (const DatabaseConfig& config : project_.databases) names.push_back(config.name);
  std::ranges::sort(names);
  return names;
}

Result<Engine> Databases::engine_of(const DatabaseName& name) const {
  return WEIR_TRY(config_of(name))->engine;
}

Result<const DatabaseConfig*> Databases::config_of(const DatabaseName& name) const {
  const DatabaseConfig* config = project_.find_database(name);
  if (config == nullptr) {
    return fail(ErrorCode::not_found, "there is no database '" + name.value() + "'");
  }
  return config;
}

Databases::Entry& Databases::entry_of(const DatabaseName& name) {
  const std::lock_guard lock(mutex_);
  return entries_[name];
}

Result<void> Databases::open_entry(const DatabaseConfig& config, Entry& entry) {
  if (entry.open) return {};
  // Two DuckDBs in one process on one file would not notice each other.
  if (!entry.broken.expired()) {
    return fail(ErrorCode::unavailable, "database '" + config.name.value() + "' is being closed",
                "it is opened again when the runs that are still in it have ended",
                config.location);
  }
  if (!config.path.empty()) {
    WEIR_TRY(make_folder(config.path.parent_path(), "check the path and its rights", config));
  }
  // DuckDB makes the last folder of a path at most, and only when it has to spill.
  const fs::path spool = project_.state_dir() / "spool";
  WEIR_TRY(make_folder(spool, "large loads spill there: make it writable", config));
  duckdb::DatabaseOptions options;
  options.path = config.path.string();
  options.temp_directory = (spool / config.name.value()).string();
  options.memory_bytes = duckdb_memory(project_, names().size());
  options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  auto opened = duckdb::Database::open(options);
  if (!opened) {
    Error error = std::move(opened).error();
    error.location = config.location;
    return fail(std::move(error));
  }
  Pointer database = *std::move(opened);
  if (config.engine == Engine::duckdb) {
    const auto connection = WEIR_TRY(database->connect());
    WEIR_TRY(create_ledger_tables(*connection));
  }
  entry.open = std::move(database);
  return {};
}

Result<void> Databases::make_tables(const DatabaseName& name, duckdb::Database& database) {
  const auto connection = WEIR_TRY(database.connect());
  for (const Table& table : project_.tables) {
    if (table.database != name) continue;
    // A plan may be making the same table, to have it rolled back later.
    const auto lock = locks_.take({table.name}, TableLocks::Use::alone);
    static_cast<void>(ensure_table(*connection, table));
  }
  return {};
}

}  // namespace weir::pipeline
