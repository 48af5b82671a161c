#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "io/byte_stream.h"
#include "io/descriptor.h"

namespace weir::io {

/// What tells one state of a file from another without reading it.
struct FileState {
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;  ///< since 1970, UTC
  int64_t ctime_ns = 0;
  uint64_t inode = 0;

  bool operator==(const FileState&) const = default;
};

/// A regular file read forward from its start. Reads up to where the file really ends, also when it
/// grew since it was opened.
class FileStream final : public ByteStream {
 public:
  /// Never blocks: a folder, pipe, socket or device is refused. Follows symbolic links.
  /// Errors: not_found, invalid_input (no regular file), io.
  static Result<std::unique_ptr<FileStream>> open(const std::string& path);
  Result<size_t> read(char* buffer, size_t capacity) override;
  /// As of open().
  uint64_t size_bytes() const override { return opened_.size_bytes; }

  const FileState& opened_state() const { return opened_; }
  /// The open file's state now: differs from opened_state() when it changed meanwhile.
  Result<FileState> current_state() const;

 private:
  FileStream(Descriptor descriptor, std::string path, FileState state);

  Descriptor descriptor_;
  std::string path_;
  FileState opened_;
  uint64_t position_ = 0;
};

}  // namespace weir::io
