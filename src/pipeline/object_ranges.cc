#include "pipeline/object_ranges.h"

#include <algorithm>

#include "io/gzip_stream.h"
#include "io/zstd_stream.h"
#include "text/content_version.h"

namespace weir::pipeline {
namespace {

tl::unexpected<Error> changed(const ObjectKey& key) {
  return fail(ErrorCode::input_changed,
              "'" + key.value() + "' is not in the version any more in which the row was rejected");
}

}  // namespace

Result<void> ObjectRanges::check_version() {
  if (bucket_ == nullptr) return fail(ErrorCode::not_found, "its bucket is gone from the project");
  const auto stat = WEIR_TRY(bucket_->stat(key_));
  if (checked_ && stat == *checked_) return {};
  const auto stream = WEIR_TRY(bucket_->open(key_));
  if (WEIR_TRY(text::content_version(*stream)) != version_) return changed(key_);
  checked_ = stat;
  raw_.reset();
  decompressed_.reset();
  return {};
}

Result<void> ObjectRanges::rewind() {
  decompressed_.reset();
  raw_ = WEIR_TRY(bucket_->open(key_));
  const Compression compression = text::resolve_compression(compression_, key_.value());
  if (compression == Compression::gzip) {
    decompressed_ = std::make_unique<io::GzipStream>(*raw_);
  } else if (compression == Compression::zstd) {
    decompressed_ = std::make_unique<io::ZstdStream>(*raw_);
  }
  position_ = 0;
  return {};
}

Result<void> ObjectRanges::pass(uint64_t bytes) {
  std::string buffer(std::min<uint64_t>(bytes, 1u << 20), '\0');
  io::ByteStream& stream = decompressed_ != nullptr ? *decompressed_ : *raw_;
  while (bytes > 0) {
    const size_t got =
        WEIR_TRY(stream.read(buffer.data(), std::min<uint64_t>(bytes, buffer.size())));
    if (got == 0) return changed(key_);
    bytes -= got;
    position_ += got;
  }
  return {};
}

Result<std::string> ObjectRanges::read(uint64_t begin, uint64_t end) {
  WEIR_TRY(check_version());
  if (raw_ == nullptr || position_ > begin) WEIR_TRY(rewind());
  WEIR_TRY(pass(begin - position_));
  std::string bytes(end - begin, '\0');
  io::ByteStream& stream = decompressed_ != nullptr ? *decompressed_ : *raw_;
  const size_t got = WEIR_TRY(stream.read(bytes.data(), bytes.size()));
  position_ += got;
  if (got != bytes.size()) return changed(key_);
  return bytes;
}

}  // namespace weir::pipeline
