#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "objects/key_pattern.h"

namespace weir::objects {

/// A file met on a walk. Links to files count; what they point to is not looked at.
struct TreeFile {
  const std::string& key;
  int folder;        ///< open descriptor of its folder, valid during the visit
  const char* name;  ///< its name in there
};

struct TreeVisitor {
  /// Called with each folder ("" is the root) before its entries are read.
  std::function<void(const std::string& folder, int descriptor)> enter;
  /// Called for each matching name that is no folder; false ends the walk.
  std::function<bool(const TreeFile&)> file;
  /// Told of what was left out, and why: a name that is no UTF-8, a folder that may not be read.
  std::function<void(const std::string& path, const std::string& why)> skipped;
};

/// Walks the folder `start` ("" is the root) below `root` in byte order of the keys, reading only
/// folders the patterns reach. Never follows a link to a folder. What vanishes meanwhile is passed
/// over. Errors: not_found, io: `start` itself cannot be read.
Result<void> walk_tree(const std::string& root, const std::string& start,
                       const KeyPatterns& patterns, const TreeVisitor& visitor);

}  // namespace weir::objects
