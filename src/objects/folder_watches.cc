#include "objects/folder_watches.h"

#include <sys/inotify.h>

#include <cerrno>
#include <utility>

#include "base/log.h"
#include "io/system_error.h"
#include "objects/file_tree.h"

namespace weir::objects {

FolderWatches::FolderWatches(int inotify, std::string root, KeyPatterns patterns)
    : inotify_(inotify), root_(std::move(root)), patterns_(std::move(patterns)) {}

Result<void> FolderWatches::add(const std::string& folder,
                                const std::function<void(const std::string&)>& found) {
  TreeVisitor visitor;
  visitor.enter = [&](const std::string& path, int descriptor) { watch(path, descriptor); };
  if (found) {
    visitor.file = [&](const TreeFile& file) {
      found(file.key);
      return true;
    };
  }
  return walk_tree(root_, folder, patterns_, visitor);
}

void FolderWatches::watch(const std::string& folder, int descriptor) {
  // Through the open folder, not its path: that may mean another one by now.
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const int number = ::inotify_add_watch(inotify_, path.c_str(),
                                         IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
  if (number >= 0) {
    // The kernel gives a folder it watches already the same number: it was renamed.
    const auto [entry, added] = folder_of_.try_emplace(number, folder);
    if (!added && entry->second != folder) {
      watch_of_.erase(entry->second);
      entry->second = folder;
    }
    watch_of_[folder] = number;
    return;
  }
  const int error = errno;
  if (!complete_.exchange(false)) return;
  if (error == ENOSPC) {
    log::warning(
        "no inotify watch is left for '{}' in {}: files there are found by rescans only, later; "
        "raise fs.inotify.max_user_watches",
        folder, root_);
  } else {
    log::warning("{}: files there are found by rescans only, later",
                 io::system_error("watch", root_ + "/" + folder, error).to_string());
  }
}

void FolderWatches::remove(const std::string& folder) {
  const std::string prefix = folder.empty() ? "" : folder + "/";
  auto entry = watch_of_.lower_bound(folder);
  while (entry != watch_of_.end()) {
    const auto& [path, number] = *entry;
    if (path != folder && !path.starts_with(prefix)) {
      if (path > prefix) break;
      ++entry;  // "a-b" sorts between "a" and "a/"
      continue;
    }
    ::inotify_rm_watch(inotify_, number);
    folder_of_.erase(number);
    entry = watch_of_.erase(entry);
  }
}

void FolderWatches::forget(int watch) {
  const auto found = folder_of_.find(watch);
  if (found == folder_of_.end()) return;
  watch_of_.erase(found->second);
  folder_of_.erase(found);
}

const std::string* FolderWatches::folder(int watch) const {
  const auto found = folder_of_.find(watch);
  return found == folder_of_.end() ? nullptr : &found->second;
}

}  // namespace weir::objects
