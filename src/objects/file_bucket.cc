#include "objects/file_bucket.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "io/descriptor.h"
#include "io/file_stream.h"
#include "io/system_error.h"
#include "objects/file_tree.h"
#include "objects/file_writers.h"
#include "objects/key_pattern.h"

namespace weir::objects {
namespace {

constexpr size_t most_warnings = 1000;

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// False when it is no regular file, nor a link to one.
bool read_stat(int folder, const char* name, ObjectStat& stat) {
  struct stat status {};
  if (::fstatat(folder, name, &status, 0) != 0 || !S_ISREG(status.st_mode)) return false;
  stat.size_bytes = static_cast<uint64_t>(status.st_size);
  stat.mtime_ns = nanoseconds(status.st_mtim);
  stat.ctime_ns = nanoseconds(status.st_ctim);
  stat.inode = status.st_ino;
  return true;
}

/// A name that can be printed: bytes that are no UTF-8 would garble the log.
std::string printable(const std::string& path) {
  if (check_key(path)) return path;
  std::string text;
  for (const char c : path) text += c >= ' ' && c <= '~' ? c : '?';
  return text;
}

}  // namespace

FileBucket::FileBucket(BucketName name, std::string folder)
    : name_(std::move(name)), folder_(std::move(folder)) {}

Result<void> FileBucket::list_any(const std::vector<std::string>& patterns,
                                  const std::function<bool(const ObjectStat&)>& visit) {
  ObjectStat found;
  TreeVisitor visitor;
  visitor.file = [&](const TreeFile& file) {
    if (!read_stat(file.folder, file.name, found)) return true;
    found.key = ObjectKey(file.key);
    return visit(found);
  };
  visitor.skipped = [&](const std::string& path, const std::string& why) { warn_once(path, why); };
  return walk_tree(folder_, "", KeyPatterns(patterns), visitor);
}

Result<ObjectStat> FileBucket::stat(const ObjectKey& key) {
  WEIR_TRY(check_key(key.value()));
  const auto missing = [&] {
    return fail(ErrorCode::not_found,
                "there is no object '" + key.value() + "' in bucket '" + name_.value() + "'");
  };
  io::Descriptor folder(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::string_view rest = key.value();
  for (size_t slash; (slash = rest.find('/')) != std::string_view::npos;) {
    if (!folder) return missing();
    const std::string name(rest.substr(0, slash));
    folder = io::Descriptor(
        ::openat(folder.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    rest.remove_prefix(slash + 1);
  }
  ObjectStat found;
  if (!folder || !read_stat(folder.get(), std::string(rest).c_str(), found)) return missing();
  found.key = key;
  return found;
}

Result<std::unique_ptr<io::ByteStream>> FileBucket::open(const ObjectKey& key) {
  WEIR_TRY(stat(key));  // refuses what is no object
  std::unique_ptr<io::ByteStream> stream = WEIR_TRY(io::FileStream::open(path_of(key)));
  return stream;
}

bool FileBucket::is_being_written(const ObjectKey& key) {
  return check_key(key.value()) && find_writers(path_of(key)) == Writers::some;
}

void FileBucket::warn_once(const std::string& path, const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (warned_.size() == most_warnings || !warned_.insert(path).second) return;
  }
  log::warning("bucket {}: left out '{}': {}", name_.value(), printable(path), why);
}

}  // namespace weir::objects
