#pragma once

#include "config/values.h"
#include "model/project.h"

namespace weir::config {

/// `databases: {warehouse: duckdb://warehouse.duckdb}`
struct DatabaseEntry {
  Located<std::string> url;
};
Value<DatabaseEntry> database_value();

/// `buckets: {landing: file://landing}` or `{url: …, settle: …}`.
struct BucketEntry {
  Located<std::string> url;
  Located<int64_t> settle_ms{BucketConfig{}.settle_ms, {}};
};
Value<BucketEntry> bucket_value();

}  // namespace weir::config
