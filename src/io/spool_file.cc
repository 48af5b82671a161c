#include "io/spool_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "io/system_error.h"
#include "io/write_all.h"

namespace weir::io {
namespace {

class SpoolStream final : public ByteStream {
 public:
  SpoolStream(int descriptor, const std::atomic<uint64_t>& size)
      : descriptor_(descriptor), size_(size) {}

  Result<size_t> read(char* buffer, size_t capacity) override {
    const uint64_t there = size_bytes() - position_;
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(capacity, there));
    size_t done = 0;
    while (done < wanted) {
      const ssize_t got =
          ::pread(descriptor_, buffer + done, wanted - done, static_cast<off_t>(position_));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(system_error("read", "the spool file"));
      if (got == 0) return fail(ErrorCode::io, "the spool file is shorter than what was written");
      done += static_cast<size_t>(got);
      position_ += static_cast<uint64_t>(got);
    }
    return done;
  }

  uint64_t size_bytes() const override { return size_.load(std::memory_order_acquire); }

 private:
  int descriptor_;
  const std::atomic<uint64_t>& size_;
  uint64_t position_ = 0;
};

}  // namespace

Result<std::unique_ptr<SpoolFile>> SpoolFile::create(const std::string& folder) {
  Descriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file && (errno == EOPNOTSUPP || errno == EISDIR)) {
    // Some file systems have no nameless files: make one with a name and take that away.
    std::string name = folder + "/spool.XXXXXX";
    file = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
    if (file) ::unlink(name.c_str());
  }
  if (!file) return fail(system_error("create a temporary file in", folder));
  return std::unique_ptr<SpoolFile>(new SpoolFile(std::move(file)));
}

Result<void> SpoolFile::append(std::string_view bytes) {
  const uint64_t end = size_bytes();
  const auto written = write_all_at(descriptor_.get(), bytes, end, "the spool file");
  if (!written) {
    // Gives the room back; readers stop at size_bytes_ in any case.
    (void)!::ftruncate(descriptor_.get(), static_cast<off_t>(end));
    return written;
  }
  size_bytes_.store(end + bytes.size(), std::memory_order_release);
  return {};
}

Result<void> SpoolFile::fill(const std::function<Result<void>(const std::string&)>& writer) {
  WEIR_TRY(writer("/proc/self/fd/" + std::to_string(descriptor_.get())));
  struct stat found {};
  if (::fstat(descriptor_.get(), &found) != 0) {
    return fail(system_error("look at", "the spool file"));
  }
  size_bytes_.store(static_cast<uint64_t>(found.st_size), std::memory_order_release);
  return {};
}

std::unique_ptr<ByteStream> SpoolFile::open() const {
  return std::make_unique<SpoolStream>(descriptor_.get(), size_bytes_);
}

}  // namespace weir::io
