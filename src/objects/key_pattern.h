#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir::objects {

/// Which keys a trigger means. `*` stays in one folder, `**` crosses folders (`**/` also stands for
/// no folder at all), `?` is one character, all else is itself. Wildcards do not match
/// - a leading dot of a folder or file (rsync writes to `.x.json.AbCdEf`), and
/// - names ending in `.tmp`, `.part` or `~` (files on their way),
/// unless the pattern spells that dot or that ending. Immutable.
class KeyPattern {
 public:
  explicit KeyPattern(std::string pattern);

  bool matches(std::string_view key) const;
  /// Whether a key below `folder` ("a/b"; "" is the whole bucket) might match: what needs reading.
  bool reaches(std::string_view folder) const;
  const std::string& text() const { return pattern_; }

 private:
  std::string pattern_;
  std::vector<std::string> segments_;  // up to the first that holds `**`
  bool deep_ = false;                  // there is one
  bool names_hidden_ = false;          // a segment from there on begins with a dot
};

/// Patterns of which one must match.
class KeyPatterns {
 public:
  KeyPatterns() = default;
  explicit KeyPatterns(const std::vector<std::string>& patterns);
  bool matches(std::string_view key) const;
  bool reaches(std::string_view folder) const;

 private:
  std::vector<KeyPattern> patterns_;
};

/// One name of a path: not empty, not "." or "..", no '/', no NUL, valid UTF-8.
bool is_object_name(std::string_view name);
/// Refuses keys that are absolute, leave the bucket, have two spellings or are no UTF-8.
/// Errors: invalid_input.
Result<void> check_key(std::string_view key);

}  // namespace weir::objects
