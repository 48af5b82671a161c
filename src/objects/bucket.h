#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/byte_stream.h"
#include "model/object_ref.h"
#include "model/project.h"

namespace weir::objects {

/// What a listing says of an object. Two equal stats mean: not changed since, as far as the
/// bucket can tell without reading it.
struct ObjectStat {
  ObjectKey key;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;  ///< since 1970, UTC
  int64_t ctime_ns = 0;
  uint64_t inode = 0;

  bool operator==(const ObjectStat&) const = default;
};

/// Where objects live. Thread-safe.
class Bucket {
 public:
  virtual ~Bucket() = default;
  /// Visits every object whose key matches `pattern` (see KeyPattern), in byte order of the keys;
  /// stops early when `visit` returns false. Folders, sockets and dangling or looping links are not
  /// objects; links to files are, links to folders are not followed.
  Result<void> list(std::string_view pattern, const std::function<bool(const ObjectStat&)>& visit) {
    return list_any({std::string(pattern)}, visit);
  }
  /// Each object once that matches one of the patterns.
  virtual Result<void> list_any(const std::vector<std::string>& patterns,
                                const std::function<bool(const ObjectStat&)>& visit) = 0;
  /// Errors: not_found; invalid_input (see check_key).
  virtual Result<ObjectStat> stat(const ObjectKey& key) = 0;
  /// Opens for reading. Errors: not_found, io, invalid_input.
  virtual Result<std::unique_ptr<io::ByteStream>> open(const ObjectKey& key) = 0;
  /// Writes all of `content` under the key: a reader, and whoever watches, sees what was there
  /// before or the whole new object, whatever happens, power cuts included. A failure changes
  /// nothing. Errors: invalid_input (see check_key), io, those of `content`; not_yet (the bucket
  /// can only be read).
  virtual Result<ObjectStat> put(const ObjectKey& key, io::ByteStream& content);
  /// Whether some process has the object open for writing, as far as the bucket can know it.
  virtual bool is_being_written(const ObjectKey&) { return false; }
};

/// Errors: not_yet for s3:// and gs://. Creates a missing file:// folder.
Result<std::unique_ptr<Bucket>> open_bucket(const BucketConfig& config);

/// See KeyPattern, which is cheaper when one pattern meets many keys.
bool key_matches(std::string_view pattern, std::string_view key);

}  // namespace weir::objects
