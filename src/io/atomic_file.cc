#include "io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "io/descriptor.h"
#include "io/file_stream.h"
#include "io/system_error.h"
#include "io/write_all.h"

namespace weir::io {
namespace {

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

constexpr std::string_view temporary_suffix = ".XXXXXX";

// Removes the temporary file unless it became the real one.
class TemporaryName {
 public:
  explicit TemporaryName(const std::string& path) : path_(path) {}
  ~TemporaryName() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

mode_t current_umask() {
  // There is no way to ask for the umask without setting it, except in /proc.
  mode_t mask = 022;
  if (std::FILE* status = std::fopen("/proc/self/status", "re")) {
    char line[256];
    while (std::fgets(line, sizeof line, status) != nullptr) {
      unsigned value = 0;
      if (std::sscanf(line, "Umask: %o", &value) == 1) mask = static_cast<mode_t>(value);
    }
    std::fclose(status);
  }
  return mask;
}

}  // namespace

Result<void> write_file_atomically(const std::string& path, std::string_view content,
                                   FileAccess access) {
  std::string temporary = path + std::string(temporary_suffix);
  Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) return fail(system_error("create a file beside", path));
  TemporaryName name(temporary);
  WEIR_TRY(write_all(file.get(), content, temporary));
  if (access == FileAccess::everyone_reads && ::fchmod(file.get(), 0644 & ~current_umask()) != 0) {
    return fail(system_error("set the access rights of", temporary));
  }
  if (::fsync(file.get()) != 0) return fail(system_error("flush", temporary));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(system_error("replace", path));
  name.keep();
  return sync_folder(folder_of(path));
}

void remove_abandoned_writes(const std::string& path) {
  namespace fs = std::filesystem;
  const std::string prefix = fs::path(path).filename().string() + ".";
  const size_t length = prefix.size() - 1 + temporary_suffix.size();
  std::error_code error;
  for (fs::directory_iterator at(folder_of(path), error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (name.size() == length && name.starts_with(prefix)) fs::remove(at->path(), ignored);
  }
}

Result<void> sync_folder(const std::string& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor) return fail(system_error("open", folder));
  if (::fsync(descriptor.get()) != 0) return fail(system_error("flush", folder));
  return {};
}

Result<std::string> read_small_file(const std::string& path, size_t limit) {
  const auto stream = WEIR_TRY(FileStream::open(path));
  const uint64_t expected = stream->size_bytes();
  std::string content;
  if (expected <= limit) {
    content.resize(limit < expected + 4096 ? limit + 1 : static_cast<size_t>(expected) + 4096);
    size_t size = 0;
    // A file that grows while it is read makes further rounds.
    for (size_t got = 1; got > 0; size += got) {
      if (size == content.size()) {
        if (size > limit) break;
        content.resize(size < limit / 2 ? size * 2 : limit + 1);
      }
      got = WEIR_TRY(stream->read(content.data() + size, content.size() - size));
    }
    content.resize(size);
  }
  if (expected > limit || content.size() > limit) {
    return fail(ErrorCode::invalid_input,
                path + " is larger than " + std::to_string(limit) + " bytes");
  }
  return content;
}

}  // namespace weir::io
