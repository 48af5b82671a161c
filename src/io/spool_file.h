#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "io/byte_stream.h"
#include "io/descriptor.h"

namespace weir::io {

/// A nameless temporary file: written at its end, read from its start, gone with the object (and
/// with the process, however that ends). Appending is for one thread; readers may work meanwhile
/// and see what was appended before they got there.
class SpoolFile {
 public:
  /// Errors: not_found (no such folder), io.
  static Result<std::unique_ptr<SpoolFile>> create(const std::string& folder);
  /// Errors: io (disk full, say); the file then still ends where it ended before.
  Result<void> append(std::string_view bytes);
  /// Lets somebody else fill it who opens files by name: he is given a path under which this
  /// process alone finds it, may write all of it anew, and has closed it when he comes back. What
  /// he could not do is the error. Errors: io; his.
  Result<void> fill(const std::function<Result<void>(const std::string& path)>& writer);
  uint64_t size_bytes() const { return size_bytes_.load(std::memory_order_acquire); }
  /// A stream over the file from its start. The spool must outlive it.
  std::unique_ptr<ByteStream> open() const;

 private:
  explicit SpoolFile(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  Descriptor descriptor_;
  std::atomic<uint64_t> size_bytes_{0};
};

}  // namespace weir::io
