#include "text/raw_input.h"

#include <algorithm>

namespace weir::text {

Result<size_t> RawInput::read_undigested(char* buffer, size_t capacity) {
  const size_t got = WEIR_TRY(stream_.read(buffer, capacity));
  bytes_read_.fetch_add(got, std::memory_order_relaxed);
  return got;
}

Result<size_t> RawInput::read(char* buffer, size_t capacity) {
  const size_t got = WEIR_TRY(read_undigested(buffer, capacity));
  digest_in_order({buffer, got});
  return got;
}

void RawInput::digest_in_order(std::string_view bytes) {
  if (!wanted_) return;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, digest_block_bytes - in_block_);
    block_.update(piece);
    in_block_ += piece.size();
    bytes.remove_prefix(piece.size());
    if (in_block_ == digest_block_bytes) {
      const crypto::Sha256Digest digest = block_.finish();
      in_block_ = 0;
      const std::lock_guard lock(mutex_);
      digests_.push_back(digest);
    }
  }
}

uint64_t RawInput::promise(size_t bytes) {
  const size_t blocks = (bytes + digest_block_bytes - 1) / digest_block_bytes;
  const std::lock_guard lock(mutex_);
  const uint64_t first = digests_.size();
  digests_.resize(digests_.size() + blocks);
  promised_ += blocks;
  return first;
}

void RawInput::digest_later(uint64_t first_block, std::string_view bytes) {
  for (uint64_t block = first_block; !bytes.empty(); ++block) {
    const std::string_view piece = bytes.substr(0, digest_block_bytes);
    bytes.remove_prefix(piece.size());
    const crypto::Sha256Digest digest = crypto::sha256(piece);
    const std::lock_guard lock(mutex_);
    digests_[block] = digest;
    --promised_;
  }
}

void RawInput::end() {
  const std::lock_guard lock(mutex_);
  if (in_block_ > 0) digests_.push_back(block_.finish());
  in_block_ = 0;
  ended_ = true;
}

Result<ObjectVersion> RawInput::version() const {
  const std::lock_guard lock(mutex_);
  if (!wanted_ || !ended_ || promised_ > 0) {
    return fail(ErrorCode::internal, "the version is asked for before the input is digested");
  }
  return content_version(digests_);
}

}  // namespace weir::text
