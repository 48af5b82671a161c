#pragma once

#include <map>
#include <string_view>

#include "io/memory_stream.h"
#include "objects/bucket.h"

namespace weir::pipeline {

/// Bodies of requests, as objects that a load can read, and read again.
class RequestBodies final : public objects::Bucket {
 public:
  /// Where these objects are said to be: no bucket of a project has such a name.
  static BucketName name() { return BucketName("api:requests"); }

  /// The body must outlive the bucket.
  void add(const ObjectKey& key, std::string_view body) { bodies_[key] = body; }

  Result<void> list_any(const std::vector<std::string>&,
                        const std::function<bool(const objects::ObjectStat&)>&) override {
    return {};
  }
  Result<objects::ObjectStat> stat(const ObjectKey& key) override {
    objects::ObjectStat stat;
    stat.key = key;
    stat.size_bytes = WEIR_TRY(body_of(key)).size();
    return stat;
  }
  Result<std::unique_ptr<io::ByteStream>> open(const ObjectKey& key) override {
    return std::make_unique<io::MemoryStream>(WEIR_TRY(body_of(key)));
  }

 private:
  Result<std::string_view> body_of(const ObjectKey& key) const {
    const auto found = bodies_.find(key);
    if (found != bodies_.end()) return found->second;
    return fail(ErrorCode::not_found, "the body of a request is not kept");
  }

  std::map<ObjectKey, std::string_view> bodies_;
};

}  // namespace weir::pipeline
