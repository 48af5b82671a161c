#include "text/content_version.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace weir::text {

ObjectVersion content_version(std::span<const crypto::Sha256Digest> blocks) {
  if (blocks.empty()) return ObjectVersion("sha256:" + crypto::to_hex(crypto::sha256({})));
  if (blocks.size() == 1) return ObjectVersion("sha256:" + crypto::to_hex(blocks.front()));
  const std::string_view digests(reinterpret_cast<const char*>(blocks.data()), blocks.size_bytes());
  return ObjectVersion("sha256-4m:" + crypto::to_hex(crypto::sha256(digests)));
}

Result<ObjectVersion> content_version(io::ByteStream& stream) {
  // One byte more than the stream says: then a small file takes one read.
  const uint64_t expected = stream.size_bytes();
  const size_t room = expected == 0 || expected >= digest_block_bytes
                          ? digest_block_bytes
                          : static_cast<size_t>(expected) + 1;
  const auto buffer = std::make_unique_for_overwrite<char[]>(room);
  std::vector<crypto::Sha256Digest> blocks;
  crypto::Sha256 block;
  size_t in_block = 0;
  while (true) {
    const size_t wanted = std::min(room, digest_block_bytes - in_block);
    const size_t got = WEIR_TRY(stream.read(buffer.get(), wanted));
    if (got == 0) break;
    block.update({buffer.get(), got});
    in_block += got;
    if (in_block == digest_block_bytes) {
      blocks.push_back(block.finish());
      in_block = 0;
    }
  }
  if (in_block > 0) blocks.push_back(block.finish());
  return content_version(blocks);
}

}  // namespace weir::text
