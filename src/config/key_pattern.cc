#include "config/key_pattern.h"

#include <utility>
#include <vector>

namespace weir::config {
namespace {

enum class Part { literal, one, folder, path };

struct Token {
  Part part;
  char character = '\0';

  bool repeats() const { return part == Part::folder || part == Part::path; }
};

std::vector<Token> tokens_of(std::string_view pattern) {
  std::vector<Token> tokens;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      const bool crosses = pattern.substr(i, 2) == "**";
      tokens.push_back({crosses ? Part::path : Part::folder});
      i += crosses ? 1 : 0;
    } else if (pattern[i] == '?') {
      tokens.push_back({Part::one});
    } else {
      tokens.push_back({Part::literal, pattern[i]});
    }
  }
  return tokens;
}

/// Whether one character can be taken by both.
bool share_character(const Token& a, const Token& b) {
  if (a.part == Part::literal && b.part == Part::literal) return a.character == b.character;
  const auto takes = [](const Token& token, char c) {
    return token.part == Part::path || c != '/';
  };
  if (a.part == Part::literal) return takes(b, a.character);
  if (b.part == Part::literal) return takes(a, b.character);
  return true;
}

}  // namespace

bool patterns_meet(std::string_view a, std::string_view b) {
  const std::vector<Token> left = tokens_of(a), right = tokens_of(b);
  const size_t width = right.size() + 1;
  std::vector<bool> seen((left.size() + 1) * width, false);
  std::vector<std::pair<size_t, size_t>> open = {{0, 0}};
  while (!open.empty()) {
    const auto [i, j] = open.back();
    open.pop_back();
    if (i > left.size() || j > right.size() || seen[i * width + j]) continue;
    seen[i * width + j] = true;
    const bool left_done = i == left.size(), right_done = j == right.size();
    if (left_done && right_done) return true;
    // A repeating part may take nothing more, or what the other side takes next.
    if (!left_done && left[i].repeats()) open.emplace_back(i + 1, j);
    if (!right_done && right[j].repeats()) open.emplace_back(i, j + 1);
    if (left_done || right_done || !share_character(left[i], right[j])) continue;
    open.emplace_back(left[i].repeats() ? i : i + 1, right[j].repeats() ? j : j + 1);
  }
  return false;
}

}  // namespace weir::config
