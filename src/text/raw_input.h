#pragma once

#include <atomic>
#include <mutex>
#include <span>
#include <vector>

#include "io/byte_stream.h"
#include "text/content_version.h"

namespace weir::text {

/// The raw bytes of an input: counts them, and digests them in blocks of digest_block_bytes, at
/// once or later by another thread. read* is for one thread at a time, the rest for all.
class RawInput final : public io::ByteStream {
 public:
  enum class Digest { none, wanted };

  RawInput(io::ByteStream& stream, Digest digest)
      : stream_(stream), wanted_(digest == Digest::wanted) {}

  /// Reads and digests.
  Result<size_t> read(char* buffer, size_t capacity) override;
  /// Reads without digesting.
  Result<size_t> read_undigested(char* buffer, size_t capacity);
  uint64_t size_bytes() const override { return stream_.size_bytes(); }

  /// Digests bytes that read_undigested() gave, in their order; must not be mixed with blocks that
  /// were promised in between.
  void digest_in_order(std::string_view bytes);
  /// Whether the next byte in order starts a block.
  bool at_block_begin() const { return in_block_ == 0; }
  /// Promises `bytes` (whole blocks, or the input's last bytes) for later; gives the first block's
  /// number for digest_later().
  uint64_t promise(size_t bytes);
  void digest_later(uint64_t first_block, std::string_view bytes);

  /// Nothing more will be read: ends the last block.
  void end();

  uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }
  /// Errors: internal, when not all of it has been read and digested.
  Result<ObjectVersion> version() const;

  bool digest_wanted() const { return wanted_; }

 private:
  io::ByteStream& stream_;
  bool wanted_;
  std::atomic<uint64_t> bytes_read_{0};

  crypto::Sha256 block_;  // the block that digest_in_order() is in
  size_t in_block_ = 0;

  mutable std::mutex mutex_;
  std::vector<crypto::Sha256Digest> digests_;  // guarded by mutex_
  size_t promised_ = 0;                        // guarded by mutex_: blocks not digested yet
  bool ended_ = false;                         // guarded by mutex_
};

}  // namespace weir::text
