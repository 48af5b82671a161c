#include "objects/key_pattern.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "objects/bucket.h"

namespace weir::objects {
namespace {

constexpr std::array<std::string_view, 3> endings_on_their_way = {".tmp", ".part", "~"};

bool starts_segment(std::string_view text, size_t position) {
  return position == 0 || text[position - 1] == '/';
}

/// Matches from left to right with two places to fall back to: the last `*` (takes one more
/// character of its segment) and the last `**` (takes one more character, or folder). Earlier ones
/// need no second look: what they could take more, the later one can take as well. So the work is
/// bounded by the lengths, whatever the pattern.
class Matcher {
 public:
  Matcher(std::string_view pattern, std::string_view key) : pattern_(pattern), key_(key) {}

  bool run() {
    while (k_ < key_.size()) {
      if (p_ < pattern_.size() && pattern_[p_] == '*') {
        take_wildcard();
      } else if (!take_character() && !extend_star() && !extend_deep()) {
        return false;
      }
    }
    while (p_ < pattern_.size() && pattern_[p_] == '*') ++p_;
    return p_ == pattern_.size();
  }

 private:
  static constexpr size_t none = std::string_view::npos;

  bool hidden_start(size_t k) const { return key_[k] == '.' && starts_segment(key_, k); }

  void take_wildcard() {
    const size_t begin = p_;
    while (p_ < pattern_.size() && pattern_[p_] == '*') ++p_;
    star_p_ = none;
    if (p_ - begin == 1) {
      star_p_ = p_;
      star_k_ = k_;
      return;
    }
    folders_only_ = starts_segment(pattern_, begin) && p_ < pattern_.size() && pattern_[p_] == '/';
    if (folders_only_) ++p_;
    deep_p_ = p_;
    deep_k_ = k_;
  }

  bool take_character() {
    if (p_ == pattern_.size()) return false;
    if (pattern_[p_] == '?') {
      if (key_[k_] == '/' || hidden_start(k_)) return false;
      do ++k_;
      while (k_ < key_.size() && (static_cast<unsigned char>(key_[k_]) & 0xC0) == 0x80);
      ++p_;
      return true;
    }
    if (pattern_[p_] != key_[k_]) return false;
    if (hidden_start(k_) && !starts_segment(pattern_, p_)) return false;
    ++p_;
    ++k_;
    return true;
  }

  bool extend_star() {
    if (star_p_ == none || key_[star_k_] == '/' || hidden_start(star_k_)) return false;
    k_ = ++star_k_;
    p_ = star_p_;
    return true;
  }

  bool extend_deep() {
    if (deep_p_ == none || hidden_start(deep_k_)) return false;
    if (folders_only_) {
      const size_t slash = key_.find('/', deep_k_);
      if (slash == none) return false;
      deep_k_ = slash;
    }
    if (++deep_k_ > key_.size()) return false;
    k_ = deep_k_;
    p_ = deep_p_;
    star_p_ = none;
    return true;
  }

  std::string_view pattern_, key_;
  size_t p_ = 0, k_ = 0;
  size_t star_p_ = none, star_k_ = 0;
  size_t deep_p_ = none, deep_k_ = 0;
  bool folders_only_ = false;
};

}  // namespace

KeyPattern::KeyPattern(std::string pattern) : pattern_(std::move(pattern)) {
  std::string_view rest = pattern_;
  while (!deep_) {
    const size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    deep_ = segment.find("**") != std::string_view::npos;
    segments_.emplace_back(segment);
    if (deep_) names_hidden_ = rest.starts_with('.') || rest.find("/.") != std::string_view::npos;
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
}

bool KeyPattern::matches(std::string_view key) const {
  for (const std::string_view ending : endings_on_their_way) {
    if (key.ends_with(ending) && !pattern_.ends_with(ending)) return false;
  }
  return Matcher(pattern_, key).run();
}

bool KeyPattern::reaches(std::string_view folder) const {
  size_t depth = 0;
  const size_t shallow = segments_.size() - 1;  // the last one names files, or holds the `**`
  while (!folder.empty()) {
    const size_t slash = folder.find('/');
    const std::string_view name = folder.substr(0, slash);
    if (depth < shallow) {
      if (!Matcher(segments_[depth], name).run()) return false;
    } else {
      if (!deep_) return false;
      if (name.starts_with('.') && !names_hidden_) return false;
    }
    ++depth;
    folder = slash == std::string_view::npos ? std::string_view() : folder.substr(slash + 1);
  }
  return true;
}

KeyPatterns::KeyPatterns(const std::vector<std::string>& patterns)
    : patterns_(patterns.begin(), patterns.end()) {}

bool KeyPatterns::matches(std::string_view key) const {
  return std::ranges::any_of(patterns_, [&](const auto& pattern) { return pattern.matches(key); });
}

bool KeyPatterns::reaches(std::string_view folder) const {
  return std::ranges::any_of(patterns_,
                             [&](const auto& pattern) { return pattern.reaches(folder); });
}

bool key_matches(std::string_view pattern, std::string_view key) {
  return KeyPattern(std::string(pattern)).matches(key);
}

bool is_object_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  while (!name.empty()) {
    if (name.front() == '/' || name.front() == '\0') return false;
    const size_t length = utf8_sequence_length(name);
    if (length == 0) return false;
    name.remove_prefix(length);
  }
  return true;
}

Result<void> check_key(std::string_view key) {
  std::string_view rest = key;
  for (;;) {
    const size_t slash = rest.find('/');
    if (!is_object_name(rest.substr(0, slash))) {
      return fail(ErrorCode::invalid_input, "'" + std::string(key) + "' is no object key",
                  "keys are names joined by '/', in UTF-8, below their bucket");
    }
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace weir::objects
