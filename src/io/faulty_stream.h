#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include "io/byte_stream.h"

namespace weir::io {

/// The faulty twin of a stream, for tests: replayable from its seed.
struct StreamFaults {
  uint64_t seed = 0;
  std::optional<uint64_t> fail_at =
      {};                               ///< reading this byte gives an io error, now and ever after
  std::optional<uint64_t> end_at = {};  ///< the stream ends before this byte, as a cut file does
  bool short_reads = false;  ///< gives any number of bytes from 1 up to what was asked for
};

class FaultyStream final : public ByteStream {
 public:
  /// `inner` must outlive this stream.
  FaultyStream(ByteStream& inner, StreamFaults faults);

  Result<size_t> read(char* buffer, size_t capacity) override;
  uint64_t size_bytes() const override { return inner_.size_bytes(); }

 private:
  ByteStream& inner_;
  StreamFaults faults_;
  std::mt19937_64 random_;
  uint64_t position_ = 0;
};

}  // namespace weir::io
