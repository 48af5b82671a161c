#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "model/api.h"
#include "model/listen_address.h"
#include "model/pipeline.h"
#include "model/table.h"
#include "model/test_case.h"
#include "model/traces.h"

namespace weir {

enum class Engine { duckdb, postgres, mysql };

struct DatabaseConfig {
  DatabaseName name;
  Engine engine = Engine::duckdb;
  std::string url;  ///< as written after overlays and `${env:…}`; may hold a secret: never print
  std::filesystem::path path;  ///< duckdb: absolute path of the file; empty = in memory
  Location location;
  int max_runs = 0;  ///< most batches of runs at work in it at a time; 0 = no limit
};

enum class BucketKind { file, s3, gcs };

struct BucketConfig {
  BucketName name;
  BucketKind kind = BucketKind::file;
  std::string url;
  std::filesystem::path path;  ///< file: absolute path of the folder
  int64_t settle_ms = 1000;    ///< how long a file found by rescan must rest after its last change
  Location location;
};

/// How much of what has happened the run log keeps: finished runs younger than `keep_ms`, and of
/// these the newest `runs`.
struct HistoryConfig {
  int64_t keep_ms = int64_t{30} * 24 * 60 * 60 * 1000;
  int64_t runs = 100'000;
};

/// A place where the project file says `${secret:name}`.
struct SecretUse {
  std::string name;
  Location location;
};

/// A validated project file. Plain values; immutable once loaded.
struct Project {
  std::string name;
  std::filesystem::path root;  ///< absolute; the folder of weir.yaml
  std::string environment = "default";
  uint64_t memory_bytes = 1u << 30;    ///< bound on the process's resident memory
  log::Settings log;                   ///< of `weir up`
  std::optional<ListenAddress> admin;  ///< where it answers /metrics, /healthz and /readyz
  HistoryConfig history;
  std::optional<TracesConfig> traces;  ///< none: no traces
  NetworkRules network;                ///< where it may connect to
  std::filesystem::path ca_file;       ///< absolute; authorities trusted besides the system's
  std::vector<DatabaseConfig> databases;
  std::vector<BucketConfig> buckets;
  std::vector<Table> tables;
  std::vector<Pipeline> pipelines;
  std::vector<SecretUse> secrets;  ///< in the order of the file, as often as it names them
  std::vector<TestCase> tests;
  std::optional<Api> api;
  std::vector<Pipeline> row_pipelines;  ///< of the API: see complete_api()

  /// root/.weir/<environment>: lock, socket, run log, spool.
  std::filesystem::path state_dir() const;

  const DatabaseConfig* find_database(const DatabaseName& name) const;
  const BucketConfig* find_bucket(const BucketName& name) const;
  const Table* find_table(const TableName& name) const;
  /// Also the API's.
  const Pipeline* find_pipeline(const PipelineName& name) const;
};

/// Adds to the project's API what it need not describe: the standard plan, a route for the rows of
/// every table, and the pipelines these go through.
void complete_api(Project& project);

}  // namespace weir
