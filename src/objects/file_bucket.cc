#include "objects/file_bucket.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/fault_point.h"
#include "base/log.h"
#include "io/descriptor.h"
#include "io/file_stream.h"
#include "io/system_error.h"
#include "objects/file_tree.h"
#include "objects/file_writers.h"
#include "objects/key_pattern.h"
#include "objects/new_file.h"

namespace weir::objects {
namespace {

constexpr size_t most_warnings = 1000;

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// Whether this says that there is no such thing, or none that we may see; any other failure says
/// nothing about what is there.
bool means_missing(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EACCES:
    case EPERM: return true;
    default: return false;
  }
}

/// False when it is no regular file, nor a link to one. Errors: io.
Result<bool> read_stat(int folder, const char* name, ObjectStat& stat) {
  struct stat status {};
  if (::fstatat(folder, name, &status, 0) != 0) {
    if (means_missing(errno)) return false;
    return fail(io::system_error("examine", name));
  }
  if (!S_ISREG(status.st_mode)) return false;
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
  Result<void> examined;
  TreeVisitor visitor;
  visitor.file = [&](const TreeFile& file) {
    const auto is_object = read_stat(file.folder, file.name, found);
    if (!is_object) examined = fail(is_object.error());
    if (!is_object || !*is_object) return is_object.has_value();
    found.key = ObjectKey(file.key);
    return visit(found);
  };
  visitor.skipped = [&](const std::string& path, const std::string& why) { warn_once(path, why); };
  WEIR_TRY(walk_tree(folder_, "", KeyPatterns(patterns), visitor));
  return examined;
}

Result<ObjectStat> FileBucket::stat(const ObjectKey& key) {
  WEIR_TRY(check_key(key.value()));
  const auto missing = [&] {
    return fail(ErrorCode::not_found,
                "there is no object '" + key.value() + "' in bucket '" + name_.value() + "'");
  };
  const auto not_opened = [&] {
    return means_missing(errno) ? missing() : fail(io::system_error("examine", path_of(key)));
  };
  io::Descriptor folder(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::string_view rest = key.value();
  for (size_t slash; (slash = rest.find('/')) != std::string_view::npos;) {
    if (!folder) return not_opened();
    const std::string name(rest.substr(0, slash));
    folder = io::Descriptor(
        ::openat(folder.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    rest.remove_prefix(slash + 1);
  }
  if (!folder) return not_opened();
  ObjectStat found;
  if (!WEIR_TRY(read_stat(folder.get(), std::string(rest).c_str(), found))) return missing();
  found.key = key;
  return found;
}

Result<std::unique_ptr<io::ByteStream>> FileBucket::open(const ObjectKey& key) {
  WEIR_TRY(stat(key));  // refuses what is no object
  std::unique_ptr<io::ByteStream> stream = WEIR_TRY(io::FileStream::open(path_of(key)));
  return stream;
}

Result<ObjectStat> FileBucket::put(const ObjectKey& key, io::ByteStream& content) {
  WEIR_TRY(check_key(key.value()));
  const KeyFolder folder = WEIR_TRY(make_folders(folder_, key.value()));
  NewFile file = WEIR_TRY(NewFile::create(folder));
  WEIR_TRY(file.take(content));
  fault_point("object-written");
  WEIR_TRY(file.appear());
  fault_point("object-put");
  return stat(key);
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
