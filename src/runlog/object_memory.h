#pragma once

#include <optional>
#include <vector>

#include "runlog/run_log_values.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog {

// What is remembered of objects, by their pipeline's row. What each does: see RunLog; the
// connection's owner holds its mutex.

Result<std::vector<KnownObject>> known_after(SqliteConnection& connection, int64_t pipeline,
                                             const BucketName& bucket, const ObjectKey& after,
                                             size_t limit);
Result<void> remember_object(SqliteConnection& connection, int64_t pipeline,
                             const KnownObject& known);
Result<void> forget_object(SqliteConnection& connection, int64_t pipeline, const ObjectRef& object);
Result<std::vector<ObjectRef>> last_failed(SqliteConnection& connection, int64_t pipeline);
Result<std::optional<DownloadMemory>> find_download(SqliteConnection& connection, int64_t pipeline,
                                                    int step, const ObjectRef& target);
Result<void> remember_download(SqliteConnection& connection, int64_t pipeline, int step,
                               const ObjectRef& target, const DownloadMemory& memory);

}  // namespace weir::runlog
