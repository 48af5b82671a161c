#include "io/faulty_stream.h"

#include <algorithm>

namespace weir::io {

FaultyStream::FaultyStream(ByteStream& inner, StreamFaults faults)
    : inner_(inner), faults_(faults), random_(faults.seed) {}

Result<size_t> FaultyStream::read(char* buffer, size_t capacity) {
  if (faults_.fail_at && position_ >= *faults_.fail_at) {
    return fail(ErrorCode::io, "injected fault at byte " + std::to_string(position_));
  }
  uint64_t wanted = capacity;
  if (faults_.short_reads && wanted > 1) {
    wanted = std::uniform_int_distribution<uint64_t>(1, wanted)(random_);
  }
  if (faults_.fail_at) wanted = std::min(wanted, *faults_.fail_at - position_);
  if (faults_.end_at)
    wanted = std::min(wanted, *faults_.end_at - std::min(*faults_.end_at, position_));
  if (wanted == 0) return size_t{0};
  const size_t got = WEIR_TRY(inner_.read(buffer, static_cast<size_t>(wanted)));
  position_ += got;
  return got;
}

}  // namespace weir::io
