#pragma once

// Inside src/duckdb only.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir::duckdb {

/// The tokens of one JSON text, found by simdjson's first stage (SIMD chosen at run time; UTF-8 and
/// string ends are checked there), walked here: a grammar check that touches each token once.
/// One thread; reused from text to text.
class JsonTokens {
 public:
  JsonTokens();
  ~JsonTokens();
  JsonTokens(const JsonTokens&) = delete;
  JsonTokens& operator=(const JsonTokens&) = delete;

  enum class Start { ok, not_utf8, broken };
  /// `text` has 64 readable bytes behind it and outlives the walk.
  Start start(std::string_view text);

  /// The first byte of the current token; '\0' behind the last one.
  char peek() const { return at_ < count_ ? text_[index_[at_]] : '\0'; }
  bool done() const { return at_ == count_; }
  size_t position() const { return at_ < count_ ? index_[at_] : size_; }
  /// Where the token before the current one begins.
  size_t last_position() const { return index_[at_ - 1]; }
  void step() { at_ += at_ < count_ ? 1 : 0; }

  /// The current token: a bracket, a comma, a colon, or a whole string, number or word.
  std::string_view token() const;
  /// Whether the current token is a whole string with valid escapes.
  bool at_string() {
    const size_t begin = index_[at_];
    const size_t next = at_ + 1 < count_ ? index_[at_ + 1] : size_;
    // Mostly no blank follows and nothing is escaped.
    if (!escapes_ && text_[next - 1] == '"' && next - begin >= 2) return true;
    return is_string(token());
  }
  /// Whether `token` is a string with its quotes, and valid escapes.
  bool is_string(std::string_view token);
  /// A valid string token's content with escapes resolved. Valid until the next call.
  /// Empty pointer: an escape means nothing (a lone surrogate, say).
  std::string_view content(std::string_view token);
  /// Whether `token` is true, false, null or a number as RFC 8259 has them.
  static bool is_literal(std::string_view token);

  /// Walks over the current value, whatever it is. False: no valid JSON, or nested deeper than
  /// `depth_limit` (then `too_deep()`).
  bool skip_value(int depth);
  bool too_deep() const { return too_deep_; }
  bool enter(int depth) { return depth < depth_limit || !(too_deep_ = true); }

  static constexpr int depth_limit = 1000;

 private:
  bool skip_members(int depth);
  bool skip_elements(int depth);

  struct Stage;
  std::unique_ptr<Stage> stage_;
  const char* text_ = nullptr;
  size_t size_ = 0;
  const uint32_t* index_ = nullptr;
  size_t count_ = 0;
  size_t at_ = 0;
  bool escapes_ = false;  // the text holds a backslash somewhere
  bool too_deep_ = false;
  std::unique_ptr<char[]> unescaped_;
  size_t unescaped_capacity_ = 0;
};

}  // namespace weir::duckdb
