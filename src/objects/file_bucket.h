#pragma once

#include <mutex>
#include <set>
#include <string>

#include "objects/bucket.h"

namespace weir::objects {

/// A folder as a bucket. Keys are paths below it; a key whose path leads through a link to a
/// folder is no object.
class FileBucket final : public Bucket {
 public:
  /// `folder` is absolute and exists.
  FileBucket(BucketName name, std::string folder);

  Result<void> list_any(const std::vector<std::string>& patterns,
                        const std::function<bool(const ObjectStat&)>& visit) override;
  Result<ObjectStat> stat(const ObjectKey& key) override;
  Result<std::unique_ptr<io::ByteStream>> open(const ObjectKey& key) override;
  Result<ObjectStat> put(const ObjectKey& key, io::ByteStream& content) override;
  bool is_being_written(const ObjectKey& key) override;

 private:
  std::string path_of(const ObjectKey& key) const { return folder_ + "/" + key.value(); }
  void warn_once(const std::string& path, const std::string& why);

  const BucketName name_;
  const std::string folder_;
  std::mutex mutex_;
  std::set<std::string> warned_;  // guarded by mutex_
};

}  // namespace weir::objects
