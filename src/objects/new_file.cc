#include "objects/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <random>
#include <utility>
#include <vector>

#include "io/system_error.h"
#include "io/write_all.h"

namespace weir::objects {
namespace {

constexpr size_t copy_bytes = 256 * 1024;
constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// A leading dot keeps it out of listings, and the real name's length out of its own.
std::string hidden_name() {
  static std::atomic<uint64_t> count = std::random_device{}();
  return ".weir-" + std::to_string(::getpid()) + "-" + std::to_string(++count) + ".tmp";
}

Error no_folder(const std::string& path, int error_number) {
  if (error_number != ENOTDIR && error_number != ELOOP) {
    return io::system_error("open the folder", path, error_number);
  }
  return {ErrorCode::invalid_input, path + " is in the way: it is a file or a link, not a folder",
          "move it away, or write under another key"};
}

}  // namespace

Result<KeyFolder> make_folders(const std::string& root, const std::string& key) {
  KeyFolder out;
  out.path = root + "/" + key;
  out.folder = io::Descriptor(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!out.folder) return fail(io::system_error("open the folder", root));
  std::string path = root;
  std::string_view rest = key;
  for (size_t slash; (slash = rest.find('/')) != std::string_view::npos;) {
    const std::string name(rest.substr(0, slash));
    rest.remove_prefix(slash + 1);
    path += "/" + name;
    const bool made = ::mkdirat(out.folder.get(), name.c_str(), 0777) == 0;
    if (!made && errno != EEXIST) return fail(io::system_error("make the folder", path));
    if (made && ::fsync(out.folder.get()) != 0) return fail(io::system_error("flush", path));
    io::Descriptor next(::openat(out.folder.get(), name.c_str(), folder_flags));
    if (!next) return fail(no_folder(path, errno));
    out.folder = std::move(next);
  }
  out.name = rest;
  return out;
}

Result<NewFile> NewFile::create(const KeyFolder& folder) {
  const int at = folder.folder.get();
  io::Descriptor file(::openat(at, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
  if (file) return NewFile(folder, std::move(file), "");
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) {
    return fail(io::system_error("create", folder.path));
  }
  const std::string hidden = hidden_name();
  file =
      io::Descriptor(::openat(at, hidden.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
  if (!file) return fail(io::system_error("create", folder.path));
  return NewFile(folder, std::move(file), hidden);
}

NewFile::NewFile(NewFile&& other) noexcept
    : folder_(other.folder_),
      file_(std::move(other.file_)),
      hidden_(std::exchange(other.hidden_, "")) {}

NewFile::~NewFile() {
  if (!hidden_.empty()) ::unlinkat(folder_->folder.get(), hidden_.c_str(), 0);
}

Result<void> NewFile::take(io::ByteStream& content) {
  std::vector<char> buffer(copy_bytes);
  for (;;) {
    const size_t got = WEIR_TRY(content.read(buffer.data(), buffer.size()));
    if (got == 0) return {};
    WEIR_TRY(io::write_all(file_.get(), {buffer.data(), got}, folder_->path));
  }
}

Result<void> NewFile::appear() {
  const int folder = folder_->folder.get();
  if (::fsync(file_.get()) != 0) return fail(io::system_error("flush", folder_->path));
  if (hidden_.empty()) {
    // A nameless file can be linked, but not over another: it gets a hidden name first.
    const std::string self = "/proc/self/fd/" + std::to_string(file_.get());
    const std::string hidden = hidden_name();
    if (::linkat(AT_FDCWD, self.c_str(), folder, hidden.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return fail(io::system_error("name", folder_->path));
    }
    hidden_ = hidden;
  }
  // Closed first: who watches takes a file that is still open for one that is being written.
  file_.close();
  if (::renameat(folder, hidden_.c_str(), folder, folder_->name.c_str()) != 0) {
    return fail(io::system_error("replace", folder_->path));
  }
  hidden_.clear();
  if (::fsync(folder) != 0) return fail(io::system_error("flush the folder of", folder_->path));
  return {};
}

}  // namespace weir::objects
