#pragma once

#include <span>

#include "base/result.h"
#include "crypto/digest.h"
#include "io/byte_stream.h"
#include "model/names.h"

namespace weir::text {

/// Contents are digested in blocks of this size, so that several threads can share the work.
inline constexpr size_t digest_block_bytes = 4u << 20;

/// The version of a content whose blocks of digest_block_bytes (the last one shorter) have these
/// SHA-256 digests. One block (a file of up to 4 MiB): "sha256:<hex>", what sha256sum prints.
/// More: "sha256-4m:<hex>", the SHA-256 of the concatenated binary digests. None: the empty
/// content.
ObjectVersion content_version(std::span<const crypto::Sha256Digest> blocks);

/// Reads to the end. Errors: those of the stream.
Result<ObjectVersion> content_version(io::ByteStream& stream);

}  // namespace weir::text
