#include "objects/file_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "io/descriptor.h"
#include "io/system_error.h"

namespace weir::objects {
namespace {

constexpr int deepest = 200;  // each level holds one descriptor open

enum class EntryKind { folder, file };

struct Entry {
  std::string name;  // folders end in '/': that sorts them where their keys belong
  EntryKind kind;
};

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

class TreeWalk {
 public:
  TreeWalk(const KeyPatterns& patterns, const TreeVisitor& visitor)
      : patterns_(patterns), visitor_(visitor) {}

  /// `path` is the folder's key with a '/' behind it, or "" for the root. False: stop the walk.
  bool folder(io::Descriptor descriptor, int depth) {
    const int number = descriptor.get();
    if (visitor_.enter) visitor_.enter(folder_of(path_), number);
    const auto entries = read_entries(number);
    const size_t length = path_.size();
    for (const Entry& entry : entries) {
      path_.resize(length);
      path_ += entry.name;
      if (entry.kind == EntryKind::file) {
        if (!visitor_.file({path_, number, entry.name.c_str()})) return false;
      } else if (!enter_folder(number, entry.name, depth)) {
        return false;
      }
    }
    path_.resize(length);
    return true;
  }

  void start_at(const std::string& folder) { path_ = folder.empty() ? "" : folder + "/"; }

 private:
  static std::string folder_of(std::string_view path) {
    if (!path.empty()) path.remove_suffix(1);
    return std::string(path);
  }

  bool enter_folder(int parent, const std::string& name, int depth) {
    if (depth == deepest) {
      skip(path_, "folders nest too deep");
      return true;
    }
    io::Descriptor child(::openat(parent, name.c_str(),
                                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!child) {
      if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
        skip(path_, io::system_error("open", path_).message);
      }
      return true;
    }
    return folder(std::move(child), depth + 1);
  }

  std::vector<Entry> read_entries(int number) {
    std::vector<Entry> entries;
    const std::unique_ptr<DIR, CloseFolder> folder(
        ::fdopendir(::fcntl(number, F_DUPFD_CLOEXEC, 0)));
    if (!folder) {
      skip(path_, io::system_error("read", path_).message);
      return entries;
    }
    const size_t length = path_.size();
    while (const dirent* entry = ::readdir(folder.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      path_.resize(length);
      path_ += name;
      const EntryKind kind = kind_of(number, *entry);
      if (!is_object_name(name)) {
        skip(path_, "its name is no valid UTF-8");
      } else if (kind == EntryKind::folder && patterns_.reaches(path_)) {
        entries.push_back({std::string(name) + "/", kind});
      } else if (kind == EntryKind::file && visitor_.file && patterns_.matches(path_)) {
        entries.push_back({std::string(name), kind});
      }
    }
    path_.resize(length);
    std::ranges::sort(entries, {}, &Entry::name);
    return entries;
  }

  static EntryKind kind_of(int folder, const dirent& entry) {
    if (entry.d_type == DT_DIR) return EntryKind::folder;
    if (entry.d_type != DT_UNKNOWN) return EntryKind::file;
    struct stat status {};  // some file systems do not tell in the listing
    const bool known = ::fstatat(folder, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    return known && S_ISDIR(status.st_mode) ? EntryKind::folder : EntryKind::file;
  }

  void skip(const std::string& path, const std::string& why) const {
    if (visitor_.skipped) visitor_.skipped(path, why);
  }

  const KeyPatterns& patterns_;
  const TreeVisitor& visitor_;
  std::string path_;
};

}  // namespace

Result<void> walk_tree(const std::string& root, const std::string& start,
                       const KeyPatterns& patterns, const TreeVisitor& visitor) {
  const std::string path = start.empty() ? root : root + "/" + start;
  const int no_link = start.empty() ? 0 : O_NOFOLLOW;  // the bucket itself may be a link
  io::Descriptor descriptor(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | no_link));
  if (!descriptor) return fail(io::system_error("read the folder", path));
  if (!patterns.reaches(start)) return {};
  TreeWalk walk(patterns, visitor);
  walk.start_at(start);
  walk.folder(std::move(descriptor), 0);
  return {};
}

}  // namespace weir::objects
