#include "runlog/object_memory.h"

#include "runlog/run_log_sql.h"
#include "runlog/run_rows.h"

namespace weir::runlog {

Result<std::vector<KnownObject>> known_after(SqliteConnection& connection, int64_t pipeline,
                                             const BucketName& bucket, const ObjectKey& after,
                                             size_t limit) {
  std::vector<KnownObject> page;
  Query query = WEIR_TRY(connection.query(sql::known_after));
  query.bind(pipeline).bind(bucket.value()).bind(after.value()).bind(static_cast<int64_t>(limit));
  while (WEIR_TRY(query.next())) {
    page.push_back({ObjectRef{bucket, ObjectKey(std::string(query.text(0)))},
                    static_cast<uint64_t>(query.integer(1)), query.integer(2), query.integer(3),
                    static_cast<uint64_t>(query.integer(4))});
  }
  return page;
}

Result<void> remember_object(SqliteConnection& connection, int64_t pipeline,
                             const KnownObject& known) {
  return connection.run(sql::remember_object, pipeline, known.object.bucket.value(),
                        known.object.key.value(), static_cast<int64_t>(known.size_bytes),
                        known.mtime_ns, known.ctime_ns, static_cast<int64_t>(known.inode));
}

Result<void> forget_object(SqliteConnection& connection, int64_t pipeline,
                           const ObjectRef& object) {
  return connection.run(sql::forget_object, pipeline, object.bucket.value(), object.key.value());
}

Result<std::vector<ObjectRef>> last_failed(SqliteConnection& connection, int64_t pipeline) {
  std::vector<ObjectRef> objects;
  Query query = WEIR_TRY(connection.query(sql::last_failed));
  query.bind(pipeline);
  while (WEIR_TRY(query.next())) objects.push_back(*object_from(query.text(0), query.text(1)));
  return objects;
}

Result<std::optional<DownloadMemory>> find_download(SqliteConnection& connection, int64_t pipeline,
                                                    int step, const ObjectRef& target) {
  Query query = WEIR_TRY(connection.query(sql::find_download));
  query.bind(pipeline).bind(int64_t{step});
  query.bind(target.bucket.value()).bind(target.key.value());
  if (!WEIR_TRY(query.next())) return std::nullopt;
  return DownloadMemory{std::string(query.text(0)), std::string(query.text(1)),
                        std::string(query.text(2)), static_cast<uint64_t>(query.integer(3)),
                        std::string(query.text(4))};
}

Result<void> remember_download(SqliteConnection& connection, int64_t pipeline, int step,
                               const ObjectRef& target, const DownloadMemory& memory) {
  return connection.run(sql::remember_download, pipeline, int64_t{step}, target.bucket.value(),
                        target.key.value(), memory.url_digest, memory.etag, memory.last_modified,
                        static_cast<int64_t>(memory.size), memory.digest);
}

}  // namespace weir::runlog
