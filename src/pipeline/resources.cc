#include "pipeline/resources.h"

namespace weir::pipeline {

Result<Resources> open_resources(const Project& project) {
  Resources resources;
  resources.secrets = secrets::open_secret_store({project.root, project.environment});
  resources.databases =
      std::make_unique<Databases>(project, *resources.table_locks, *resources.secrets);
  for (const BucketConfig& config : project.buckets) {
    resources.buckets.emplace(config.name, WEIR_TRY(objects::open_bucket(config)));
  }
  return resources;
}

}  // namespace weir::pipeline
