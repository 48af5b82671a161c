#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/byte_stream.h"
#include "io/descriptor.h"

namespace weir::pipeline {

/// What the bytes of a part file are the beginning of. All texts may be empty.
struct PartState {
  std::string url_digest;  ///< of the whole URL: it may hold secrets
  std::string target;      ///< "landing/x.csv"
  std::string validator;   ///< for If-Range; empty: what is there cannot be gone on with
  std::string encoding;    ///< the answer's content-encoding
  std::string etag, last_modified;
  std::optional<uint64_t> total;  ///< bytes of the whole, when the server said so
  std::string put_run;            ///< the run that put it, or was about to
  std::string put_version;        ///< and what it put
};

/// A download on its way, kept over restarts so that it can go on where it ended: NAME.part holds
/// the bytes as they came, NAME.json what they are. One thread at a time.
class PartFile {
 public:
  /// Opens or makes it. Bytes from before the machine's last start are forgotten: they may not all
  /// have reached the disk. Errors: io; busy when somebody else has it open.
  static Result<PartFile> open(const std::filesystem::path& folder, const std::string& name);

  const PartState& state() const { return state_; }
  uint64_t size() const { return size_; }
  /// Forgets the bytes, and says what the next ones are.
  Result<void> begin(PartState state);
  Result<void> append(std::string_view bytes);
  /// Durable before it returns: this run puts that version next.
  Result<void> putting(const std::string& run, const std::string& version);
  /// Forgets the bytes and what they are, but not who put what.
  Result<void> clear();
  /// Forgets the bytes only.
  Result<void> forget_bytes() { return truncate(); }
  Result<std::unique_ptr<io::ByteStream>> read() const;

 private:
  PartFile(std::filesystem::path folder, const std::string& name, io::Descriptor file)
      : part_(folder / (name + ".part")),
        json_(folder / (name + ".json")),
        file_(std::move(file)) {}
  Result<void> load();
  Result<void> save() const;
  Result<void> truncate();

  std::filesystem::path part_, json_;
  io::Descriptor file_;
  PartState state_;
  uint64_t size_ = 0;
};

}  // namespace weir::pipeline
