#pragma once

#include "config/values.h"
#include "model/project.h"

namespace weir::config {

/// `databases: {warehouse: duckdb://warehouse.duckdb}` or `{url: …, max_runs: …}`.
struct DatabaseEntry {
  Located<std::string> url;
  std::optional<Located<int64_t>> max_runs;
};
Value<DatabaseEntry> database_value();

/// `buckets: {landing: file://landing}` or `{url: …, settle: …}`.
struct BucketEntry {
  Located<std::string> url;
  Located<int64_t> settle_ms{BucketConfig{}.settle_ms, {}};
};
Value<BucketEntry> bucket_value();

}  // namespace weir::config
