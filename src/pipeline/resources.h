#pragma once

#include <map>
#include <memory>

#include "base/result.h"
#include "duckdb/database.h"
#include "model/project.h"
#include "objects/bucket.h"
#include "pipeline/table_locks.h"
#include "secrets/secret_store.h"

namespace weir::runlog {
class RunLog;
}

namespace weir::pipeline {

/// The open databases and buckets of a project. Owned by the wiring; outlives every run.
struct Resources {
  std::map<DatabaseName, std::unique_ptr<duckdb::Database>> duckdb;
  std::map<BucketName, std::unique_ptr<objects::Bucket>> buckets;
  std::unique_ptr<secrets::SecretStore> secrets;
  /// Remembers what was downloaded; null: each download is asked for as if it were the first.
  runlog::RunLog* run_log = nullptr;
  std::unique_ptr<TableLocks> table_locks = std::make_unique<TableLocks>();
};

/// Opens all of them, and creates the ledger tables where they are missing.
/// Errors: unavailable, io, not_yet (postgres, mysql, s3 before their issue).
Result<Resources> open_resources(const Project& project);

/// Creates the dictionary's tables where they are missing, so that SQL can name them before their
/// first load. Says nothing of tables that have drifted: the runs that load them do.
Result<void> create_tables(const Project& project, Resources& resources);

}  // namespace weir::pipeline
