#include "text/yaml_spans.h"

#include <algorithm>

namespace weir::text {
namespace {

constexpr auto npos = std::string_view::npos;

/// Walks text and tree together.
class SpanScanner {
 public:
  explicit SpanScanner(std::string_view text) : text_(text) {}

  Result<YamlSpan> run(const YamlNode& root) {
    skip_blanks();
    while (peek() == '%') skip_line(), skip_blanks();
    if (text_.substr(at_).starts_with("---")) at_ += 3;
    return value(root);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  /// Blanks, line ends and comments.
  void skip_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#' &&
          (at_ == 0 || text_[at_ - 1] == ' ' || text_[at_ - 1] == '\t' || text_[at_ - 1] == '\n')) {
        skip_line();
      } else if (c == ' ' || c == '\t' || c == '\n') {
        ++at_;
      } else {
        return;
      }
    }
  }
  void skip_properties() {
    while (peek() == '&' || peek() == '!') {
      at_ = std::min(text_.find_first_of(" \n,]}", at_), text_.size());
      skip_blanks();
    }
  }

  tl::unexpected<Error> lost() const {
    const auto line = std::count(text_.begin(), text_.begin() + static_cast<long>(at_), '\n') + 1;
    return fail(ErrorCode::not_yet,
                "this spelling cannot be rewritten (line " + std::to_string(line) + ")",
                "edit it by hand");
  }

  Result<void> skip_quoted() {
    const char quote = peek();
    for (++at_; at_ < text_.size(); ++at_) {
      if (quote == '"' && text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == quote) {
        if (quote == '\'' && text_.substr(at_ + 1).starts_with('\'')) {
          ++at_;
          continue;
        }
        ++at_;
        return {};
      }
    }
    return lost();
  }

  /// A plain scalar, whose line breaks and blanks were folded.
  Result<void> skip_plain(std::string_view scalar) {
    const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\t'; };
    for (size_t i = 0; i < scalar.size();) {
      if (blank(scalar[i])) {
        if (!blank(peek())) return lost();
        while (i < scalar.size() && blank(scalar[i])) ++i;
        while (blank(peek())) ++at_;
      } else {
        if (peek() != scalar[i]) return lost();
        ++i, ++at_;
      }
    }
    return {};
  }

  /// The lines of a block scalar: as far as they are indented like its first, or blank.
  void skip_block_scalar() {
    skip_line();
    size_t end = at_;
    size_t indent = npos;
    while (at_ < text_.size()) {
      const size_t line = at_ + 1;
      const size_t content = text_.find_first_not_of(' ', line);
      at_ = std::min(text_.find('\n', line), text_.size());
      if (content >= at_) continue;  // blank
      if (indent == npos) indent = content - line;
      if (content - line < indent || indent == 0) break;
      end = at_;
    }
    at_ = end;
  }

  Result<YamlSpan> value(const YamlNode& node) {
    const size_t before = at_;
    skip_blanks();
    const size_t begin_with_properties = at_;
    skip_properties();
    YamlSpan span;
    span.begin = at_;
    if (peek() == '*') {
      at_ = std::min(text_.find_first_of(" \n,]}", at_), text_.size());
      span.alias = true;
    } else if (node.kind == YamlKind::null && node.scalar.empty()) {
      at_ = begin_with_properties == span.begin ? before : span.begin;
      span.begin = at_;
    } else if (node.kind == YamlKind::null) {
      at_ += node.scalar.size();
    } else if (node.kind == YamlKind::scalar) {
      WEIR_TRY(scalar(node));
    } else if (node.layout == YamlLayout::flow) {
      WEIR_TRY(flow(node, span));
    } else {
      WEIR_TRY(block(node, span));
    }
    span.end = at_;
    return span;
  }

  Result<void> scalar(const YamlNode& node) {
    const char c = peek();
    if (node.style == YamlStyle::block) {
      skip_block_scalar();
      return {};
    }
    return c == '"' || c == '\'' ? skip_quoted() : skip_plain(node.scalar);
  }

  Result<void> key(const YamlEntry& entry) {
    if (peek() == '"' || peek() == '\'') return skip_quoted();
    return skip_plain(entry.key);
  }

  Result<void> flow(const YamlNode& node, YamlSpan& span) {
    const bool map = node.kind == YamlKind::map;
    if (peek() != (map ? '{' : '[')) return lost();
    ++at_;
    const size_t count = map ? node.entries.size() : node.items.size();
    for (size_t i = 0; i < count; ++i) {
      skip_blanks();
      if (i > 0) {
        if (peek() != ',') return lost();
        ++at_;
        skip_blanks();
      }
      span.starts.push_back(at_);
      if (!map) {
        span.parts.push_back(WEIR_TRY(value(node.items[i])));
        continue;
      }
      WEIR_TRY(key(node.entries[i]));
      const size_t key_end = at_;
      skip_blanks();
      if (peek() == ':') {
        ++at_;
        span.parts.push_back(WEIR_TRY(value(node.entries[i].value)));
      } else {
        at_ = key_end;
        span.parts.push_back({key_end, key_end, false, {}, {}});
      }
    }
    skip_blanks();
    if (peek() == ',') ++at_, skip_blanks();
    if (peek() != (map ? '}' : ']')) return lost();
    ++at_;
    return {};
  }

  Result<void> block(const YamlNode& node, YamlSpan& span) {
    const bool map = node.kind == YamlKind::map;
    const size_t count = map ? node.entries.size() : node.items.size();
    for (size_t i = 0; i < count; ++i) {
      skip_blanks();
      span.starts.push_back(at_);
      if (map) {
        WEIR_TRY(key(node.entries[i]));
        skip_blanks();
      }
      if (peek() != (map ? ':' : '-')) return lost();
      ++at_;
      span.parts.push_back(WEIR_TRY(value(map ? node.entries[i].value : node.items[i])));
    }
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<YamlSpan> yaml_spans(std::string_view text, const YamlNode& root) {
  return SpanScanner(text).run(root);
}

}  // namespace weir::text
