#include "pipeline/resources.h"

#include <algorithm>
#include <thread>

#include "duckdb/connection.h"
#include "pipeline/ledger_schema.h"
#include "pipeline/table_load.h"

namespace weir::pipeline {
namespace {

/// What of `memory:` goes to DuckDB: the rest is for the process itself, read buffers and the
/// run log.
uint64_t duckdb_memory(const Project& project, size_t databases) {
  constexpr uint64_t reserved = 128u << 20;
  const uint64_t total = project.memory_bytes > 2 * reserved ? project.memory_bytes - reserved
                                                             : project.memory_bytes / 2;
  return total * 8 / 10 / std::max<size_t>(databases, 1);
}

}  // namespace

Result<Resources> open_resources(const Project& project) {
  Resources resources;
  resources.secrets = secrets::open_secret_store({project.root, project.environment});
  const auto databases = static_cast<size_t>(std::count_if(
      project.databases.begin(), project.databases.end(),
      [](const DatabaseConfig& database) { return database.engine == Engine::duckdb; }));
  for (const DatabaseConfig& config : project.databases) {
    if (config.engine != Engine::duckdb) {
      return fail(ErrorCode::not_yet, "database '" + config.name.value() + "' is no duckdb:// one",
                  "postgres:// and mysql:// are not built yet", config.location);
    }
    std::error_code error;
    if (!config.path.empty()) std::filesystem::create_directories(config.path.parent_path(), error);
    duckdb::DatabaseOptions options;
    options.path = config.path.string();
    // DuckDB makes the last folder of a path at most, and only when it has to spill.
    const std::filesystem::path spool = project.state_dir() / "spool";
    std::filesystem::create_directories(spool, error);
    if (error) {
      return fail(ErrorCode::io,
                  "cannot make the folder '" + spool.string() + "'" + ": " + error.message(),
                  "large loads spill there: make it writable", config.location);
    }
    options.temp_directory = (spool / config.name.value()).string();
    options.memory_bytes = duckdb_memory(project, databases);
    options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    auto database = WEIR_TRY(duckdb::Database::open(options));
    const auto connection = WEIR_TRY(database->connect());
    WEIR_TRY(create_ledger_tables(*connection));
    resources.duckdb.emplace(config.name, std::move(database));
  }
  for (const BucketConfig& config : project.buckets) {
    resources.buckets.emplace(config.name, WEIR_TRY(objects::open_bucket(config)));
  }
  return resources;
}

Result<void> create_tables(const Project& project, Resources& resources) {
  for (auto& [name, database] : resources.duckdb) {
    const auto connection = WEIR_TRY(database->connect());
    for (const Table& table : project.tables) {
      if (table.database != name) continue;
      // A plan may be making the same table, to have it rolled back later.
      const auto lock = resources.table_locks->take({table.name}, TableLocks::Use::alone);
      static_cast<void>(ensure_table(*connection, table));
    }
  }
  return {};
}

}  // namespace weir::pipeline
