#pragma once

#include <map>
#include <memory>

#include "base/result.h"
#include "model/project.h"
#include "objects/bucket.h"
#include "pipeline/databases.h"
#include "pipeline/table_locks.h"
#include "secrets/secret_store.h"

namespace weir::runlog {
class RunLog;
}
namespace weir::trace {
class Tracer;
}

namespace weir::pipeline {

/// The databases and buckets of a project. Owned by the wiring; outlives every run.
struct Resources {
  std::map<BucketName, std::unique_ptr<objects::Bucket>> buckets;
  std::unique_ptr<secrets::SecretStore> secrets;
  /// Remembers what was downloaded; null: each download is asked for as if it were the first.
  runlog::RunLog* run_log = nullptr;
  std::unique_ptr<TableLocks> table_locks = std::make_unique<TableLocks>();
  std::unique_ptr<Databases> databases;  ///< after the locks, which it uses
  /// Who is told what is done, and when; null: nobody. Outlives the executor.
  const trace::Tracer* tracer = nullptr;
};

/// Opens the buckets; the databases are opened when somebody needs them. `project` must outlive it.
/// Errors: io, not_yet (s3 before its issue).
Result<Resources> open_resources(const Project& project);

}  // namespace weir::pipeline
