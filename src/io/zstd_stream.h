#pragma once

#include <memory>

#include "io/byte_stream.h"

namespace weir::io {

/// The bytes inside one or several zstd frames (RFC 8878), skippable frames left out. Garbage, a
/// cut stream or a wrong checksum is invalid_input and names the offset in the compressed input.
/// Holds 128 KiB and the frame's window, at most 128 MiB (what `zstd -22` writes); a frame that
/// asks for more is refused.
class ZstdStream final : public ByteStream {
 public:
  /// `compressed` must outlive this stream and is read by nobody else.
  explicit ZstdStream(ByteStream& compressed);
  ~ZstdStream() override;

  Result<size_t> read(char* buffer, size_t capacity) override;
  uint64_t size_bytes() const override { return 0; }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::io
