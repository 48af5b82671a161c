#pragma once

#include <memory>

#include "io/byte_stream.h"

namespace weir::io {

/// The bytes inside a gzip stream (RFC 1952) of one or several members. Bytes behind the last
/// member that start no further one are an error, so is a cut stream or a wrong checksum: each is
/// invalid_input and names the offset in the compressed input. Holds some 100 KiB.
class GzipStream final : public ByteStream {
 public:
  /// `compressed` must outlive this stream and is read by nobody else.
  explicit GzipStream(ByteStream& compressed);
  ~GzipStream() override;

  Result<size_t> read(char* buffer, size_t capacity) override;
  uint64_t size_bytes() const override { return 0; }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::io
