#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "io/byte_stream.h"
#include "model/names.h"
#include "pipeline/part_file.h"

namespace weir::pipeline {

struct ContentSum {
  uint64_t size_bytes = 0;
  std::string sha256;     ///< of all of it, hexadecimal
  ObjectVersion version;  ///< as text::content_version spells it
};

/// A part that is whole, as the object it becomes: what the server packed on its own account
/// (content-encoding) is unpacked, unless the key's ending says that the object is packed so.
class DownloadedBytes {
 public:
  /// `part` must outlive it.
  DownloadedBytes(const PartFile& part, const std::string& key, uint64_t max_size);

  /// Errors of reading, here and of the stream: invalid_input (packed wrongly, larger than max_size
  /// when unpacked), io.
  Result<ContentSum> sum() const;
  Result<std::unique_ptr<io::ByteStream>> open() const;

 private:
  const PartFile& part_;
  std::string packed_;  // "gzip", "zstd" or ""
  uint64_t max_size_;
};

}  // namespace weir::pipeline
