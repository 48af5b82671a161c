#include "cases/scratch_project.h"

#include <algorithm>

namespace weir::cases {

Project scratch_project(const Project& project, const std::filesystem::path& folder,
                        uint64_t memory_bytes) {
  Project scratch = project;
  scratch.root = folder;
  scratch.environment = "test";
  scratch.memory_bytes = memory_bytes;
  scratch.tests.clear();
  for (DatabaseConfig& database : scratch.databases) {
    database.engine = Engine::duckdb;
    database.url = "duckdb://:memory:";
    database.path.clear();
  }
  for (BucketConfig& bucket : scratch.buckets) {
    bucket.kind = BucketKind::file;
    bucket.path = folder / "buckets" / bucket.name.value();
    bucket.url = "file://" + bucket.path.string();
  }
  return scratch;
}

}  // namespace weir::cases
