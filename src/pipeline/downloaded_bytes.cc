#include "pipeline/downloaded_bytes.h"

#include "crypto/digest.h"
#include "io/gzip_stream.h"
#include "io/zstd_stream.h"
#include "text/content_version.h"

namespace weir::pipeline {
namespace {

/// The content of a part, and no more of it than it may have.
class ContentStream final : public io::ByteStream {
 public:
  ContentStream(std::unique_ptr<io::ByteStream> file, const std::string& packed, uint64_t max_size)
      : file_(std::move(file)), max_size_(max_size) {
    if (packed == "gzip") unpacked_ = std::make_unique<io::GzipStream>(*file_);
    if (packed == "zstd") unpacked_ = std::make_unique<io::ZstdStream>(*file_);
  }

  Result<size_t> read(char* buffer, size_t capacity) override {
    io::ByteStream& from = unpacked_ ? *unpacked_ : *file_;
    const size_t got = WEIR_TRY(from.read(buffer, capacity));
    given_ += got;
    if (given_ > max_size_) {
      return fail(ErrorCode::invalid_input,
                  "unpacked, the download is larger than its max_size of " +
                      std::to_string(max_size_) + " bytes",
                  "if that is right, raise 'max_size'");
    }
    return got;
  }
  uint64_t size_bytes() const override { return unpacked_ ? 0 : file_->size_bytes(); }

 private:
  std::unique_ptr<io::ByteStream> file_;
  std::unique_ptr<io::ByteStream> unpacked_;
  uint64_t max_size_;
  uint64_t given_ = 0;
};

/// Digests what passes through it.
class SummingStream final : public io::ByteStream {
 public:
  explicit SummingStream(io::ByteStream& inner) : inner_(inner) {}

  Result<size_t> read(char* buffer, size_t capacity) override {
    const size_t got = WEIR_TRY(inner_.read(buffer, capacity));
    digest_.update({buffer, got});
    size_ += got;
    return got;
  }
  uint64_t size_bytes() const override { return inner_.size_bytes(); }
  uint64_t seen() const { return size_; }
  std::string sha256() { return crypto::to_hex(digest_.finish()); }

 private:
  io::ByteStream& inner_;
  crypto::Sha256 digest_;
  uint64_t size_ = 0;
};

}  // namespace

DownloadedBytes::DownloadedBytes(const PartFile& part, const std::string& key, uint64_t max_size)
    : part_(part), packed_(part.state().encoding), max_size_(max_size) {
  if (packed_ == "gzip" && key.ends_with(".gz")) packed_.clear();
  if (packed_ == "zstd" && key.ends_with(".zst")) packed_.clear();
}

Result<std::unique_ptr<io::ByteStream>> DownloadedBytes::open() const {
  return std::make_unique<ContentStream>(WEIR_TRY(part_.read()), packed_, max_size_);
}

Result<ContentSum> DownloadedBytes::sum() const {
  const auto stream = WEIR_TRY(open());
  SummingStream summing(*stream);
  ContentSum sum;
  sum.version = WEIR_TRY(text::content_version(summing));
  sum.size_bytes = summing.seen();
  sum.sha256 = summing.sha256();
  return sum;
}

}  // namespace weir::pipeline
