#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "io/byte_stream.h"
#include "objects/bucket.h"
#include "text/record_options.h"

namespace weir::pipeline {

/// Parts of an object's (decompressed) bytes, fetched while the object still is of the version they
/// were found in. Cheap when the parts come in order: then it is read once.
class ObjectRanges {
 public:
  /// `bucket` null: there is no such bucket any more.
  ObjectRanges(objects::Bucket* bucket, ObjectKey key, ObjectVersion version,
               Compression compression)
      : bucket_(bucket),
        key_(std::move(key)),
        version_(std::move(version)),
        compression_(compression) {}

  /// Errors: not_found, input_changed (it is of another version now), io, invalid_input.
  Result<std::string> read(uint64_t begin, uint64_t end);

 private:
  Result<void> check_version();
  Result<void> rewind();
  Result<void> pass(uint64_t bytes);

  objects::Bucket* bucket_;
  ObjectKey key_;
  ObjectVersion version_;
  Compression compression_;
  std::optional<objects::ObjectStat> checked_;  // as it was when it had the version
  std::unique_ptr<io::ByteStream> raw_;
  std::unique_ptr<io::ByteStream> decompressed_;
  uint64_t position_ = 0;
};

}  // namespace weir::pipeline
