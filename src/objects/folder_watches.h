#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "objects/key_pattern.h"

namespace weir::objects {

/// The inotify watches of a folder tree: which watch number stands for which folder. One thread.
class FolderWatches {
 public:
  /// `inotify` is an open inotify descriptor, and outlives this.
  FolderWatches(int inotify, std::string root, KeyPatterns patterns);

  /// Watches `folder` ("" is the root) and the folders below it, each before it is read, and calls
  /// `found` with the matching names in them. Errors: not_found, io: `folder` itself.
  Result<void> add(const std::string& folder, const std::function<void(const std::string&)>& found);
  /// Drops the watches of `folder` and below it.
  void remove(const std::string& folder);
  /// Forgets a watch the kernel has ended.
  void forget(int watch);

  /// The folder of a watch; null when it is not, or no longer, one of ours.
  const std::string* folder(int watch) const;
  bool watches_root() const { return watch_of_.contains(""); }
  /// False once the system's limit left a folder unwatched. Any thread.
  bool complete() const { return complete_; }

 private:
  void watch(const std::string& folder, int descriptor);

  const int inotify_;
  const std::string root_;
  const KeyPatterns patterns_;
  std::unordered_map<int, std::string> folder_of_;
  std::map<std::string, int> watch_of_;
  std::atomic<bool> complete_{true};
};

}  // namespace weir::objects
