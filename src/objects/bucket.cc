#include "objects/bucket.h"

#include <filesystem>

#include "objects/file_bucket.h"

namespace weir::objects {

Result<ObjectStat> Bucket::put(const ObjectKey& key, io::ByteStream&) {
  return fail(ErrorCode::not_yet,
              "'" + key.value() + "' cannot be written: its bucket is read only");
}

Result<std::unique_ptr<Bucket>> open_bucket(const BucketConfig& config) {
  if (config.kind != BucketKind::file) {
    return fail(ErrorCode::not_yet, "bucket '" + config.name.value() + "': only file:// works yet",
                "use a file:// bucket", config.location);
  }
  std::error_code error;
  std::filesystem::create_directories(config.path, error);
  if (error || !std::filesystem::is_directory(config.path, error)) {
    return fail(ErrorCode::io,
                "bucket '" + config.name.value() + "': cannot use the folder " +
                    config.path.string() + (error ? ": " + error.message() : ": it is none"),
                "check the path and its rights", config.location);
  }
  return std::make_unique<FileBucket>(config.name, config.path.string());
}

}  // namespace weir::objects
