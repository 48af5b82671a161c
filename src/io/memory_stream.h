#pragma once

#include <string_view>

#include "io/byte_stream.h"

namespace weir::io {

/// Bytes that are in memory already. They must outlive the stream.
class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(std::string_view bytes) : bytes_(bytes) {}

  Result<size_t> read(char* buffer, size_t capacity) override;
  uint64_t size_bytes() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
  size_t position_ = 0;
};

}  // namespace weir::io
