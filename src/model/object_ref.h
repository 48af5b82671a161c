#pragma once

#include <string>

#include "model/names.h"

namespace weir {

/// Which object: "landing/2017/x.json" is key "2017/x.json" in bucket "landing".
struct ObjectRef {
  BucketName bucket;
  ObjectKey key;

  std::string to_string() const { return bucket.value() + "/" + key.value(); }
  auto operator<=>(const ObjectRef&) const = default;
};

}  // namespace weir
