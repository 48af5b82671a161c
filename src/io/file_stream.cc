#include "io/file_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/system_error.h"

namespace weir::io {
namespace {

constexpr uint64_t read_ahead_from = 1u << 20;

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileState state_of(const struct stat& status) {
  return {static_cast<uint64_t>(status.st_size), nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim), static_cast<uint64_t>(status.st_ino)};
}

std::string kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

FileStream::FileStream(Descriptor descriptor, std::string path, FileState state)
    : descriptor_(std::move(descriptor)), path_(std::move(path)), opened_(state) {}

Result<std::unique_ptr<FileStream>> FileStream::open(const std::string& path) {
  // O_NONBLOCK: opening a pipe without a writer would wait for one.
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!descriptor && errno == ENXIO) {
    return fail(ErrorCode::invalid_input, "cannot read " + path + ": it is a socket or a device",
                "give a regular file");
  }
  if (!descriptor) return fail(system_error("open", path));
  struct stat status;
  if (::fstat(descriptor.get(), &status) != 0) return fail(system_error("examine", path));
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_input,
                "cannot read " + path + ": it is " + kind_of(status.st_mode),
                "give a regular file");
  }
  const FileState state = state_of(status);
  if (state.size_bytes >= read_ahead_from) {
    // A hint: reading works without it.
    (void)::posix_fadvise(descriptor.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return std::unique_ptr<FileStream>(new FileStream(std::move(descriptor), path, state));
}

Result<size_t> FileStream::read(char* buffer, size_t capacity) {
  size_t done = 0;
  while (done < capacity) {
    const ssize_t got =
        ::pread(descriptor_.get(), buffer + done, capacity - done, static_cast<off_t>(position_));
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(system_error("read", path_));
    done += static_cast<size_t>(got);
    position_ += static_cast<uint64_t>(got);
  }
  return done;
}

Result<FileState> FileStream::current_state() const {
  struct stat status;
  if (::fstat(descriptor_.get(), &status) != 0) return fail(system_error("examine", path_));
  return state_of(status);
}

}  // namespace weir::io
