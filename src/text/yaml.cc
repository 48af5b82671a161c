#include "text/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include "base/check.h"
#include "base/utf8.h"

namespace weir::text {
namespace {

/// Ends the parse from inside yaml-cpp's callbacks; never leaves this file.
struct Stop {
  Error error;
};

Error broken(std::string message, std::string fix, Location location) {
  return {ErrorCode::invalid_project, std::move(message), std::move(fix), std::move(location)};
}

/// Turns byte offsets into lines and columns. Offsets mostly grow, so it goes on from the last one.
class Places {
 public:
  Places(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Location at(size_t offset) {
    offset = std::min(offset, text_.size());
    while (offset < offset_) step_back();
    for (; offset_ < offset; ++offset_) {
      const char c = text_[offset_];
      if (c == '\n') {
        ++line_, column_ = 1;
      } else {
        column_ += begins_character(c);
      }
    }
    return {file_, line_, column_};
  }

 private:
  static bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

  void step_back() {
    --offset_;
    if (text_[offset_] != '\n') {
      column_ -= begins_character(text_[offset_]);
      return;
    }
    --line_, column_ = 1;
    for (size_t i = offset_; i > 0 && text_[i - 1] != '\n'; --i) {
      column_ += begins_character(text_[i - 1]);
    }
  }

  std::string_view text_;
  const std::string& file_;
  size_t offset_ = 0;
  int line_ = 1, column_ = 1;
};

/// Offset behind the closing quote of the quoted scalar at `begin`; npos when it is never closed.
size_t quoted_end(std::string_view text, size_t begin) {
  const char quote = text[begin];
  for (size_t i = begin + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return std::string_view::npos;
}

/// Builds the tree from yaml-cpp's events, within the limits.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, const std::string& file, const YamlLimits& limits)
      : text_(text), limits_(limits), places_(text, file) {}

  YamlDocument document;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (!done_) return;
    throw Stop{broken("a second document begins here", "keep one document per file, without '---'",
                      places_.at(offset(mark)))};
  }
  void OnDocumentEnd() override { done_ = true; }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    const size_t begin = offset(mark);
    node.scalar = written_null(begin);
    // For a value left out, yaml-cpp gives the place of its key or of whatever comes next.
    const bool left_out = node.scalar.empty() && expects_value();
    node.location = left_out ? stack_.back().node.entries.back().location : places_.at(begin);
    node.text_location = node.location;
    add(std::move(node), begin, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      throw Stop{broken("this alias stands inside the value it repeats", "write the value out",
                        places_.at(offset(mark)))};
    }
    count(known->second.nodes, mark);
    add(YamlNode(known->second.node), offset(mark), YAML::NullAnchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node;
    node.kind = YamlKind::scalar;
    node.scalar = value;
    const size_t begin = behind_properties(offset(mark));
    if (tag == "!") {
      const char first = begin < text_.size() ? text_[begin] : '\0';
      node.style = first == '|' || first == '>' ? YamlStyle::block : YamlStyle::quoted;
    } else if (tag == "tag:yaml.org,2002:str") {
      node.style = YamlStyle::quoted;
    }
    check_tag(tag, mark);
    locate(node, begin);
    add(std::move(node), begin, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(YamlKind::sequence, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(YamlKind::map, mark, tag, anchor, style);
  }
  void OnMapEnd() override { close(); }

  Location place(size_t offset) { return places_.at(offset); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    size_t nodes_before = 0;
    bool has_key = false;
    size_t key_offset = 0;
  };
  struct Anchored {
    YamlNode node;
    size_t nodes = 1;
  };

  static size_t offset(const YAML::Mark& mark) { return mark.pos < 0 ? 0 : size_t(mark.pos); }

  bool expects_value() const { return !stack_.empty() && stack_.back().has_key; }
  bool expects_key() const {
    return !stack_.empty() && stack_.back().node.kind == YamlKind::map && !stack_.back().has_key;
  }

  /// The null that stands at `begin`; empty when something else does, e.g. the next key.
  std::string written_null(size_t begin) const {
    if (expects_value() && begin == stack_.back().key_offset) return {};
    for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
      if (!text_.substr(begin).starts_with(word)) continue;
      const size_t next = text_.find_first_not_of(' ', begin + word.size());
      if (next == std::string_view::npos || text_[next] == '#') return std::string(word);
      const std::string_view ends = expects_key() ? ":" : "\n,]}";
      if (ends.find(text_[next]) != std::string_view::npos) {
        return std::string(word);
      }
    }
    return {};
  }

  /// Skips `&anchor` and `!tag` in front of a scalar.
  size_t behind_properties(size_t begin) const {
    while (begin < text_.size() && (text_[begin] == '&' || text_[begin] == '!')) {
      begin = std::min(text_.find_first_of(" \n", begin), text_.size());
      begin = std::min(text_.find_first_not_of(" \n", begin), text_.size());
    }
    return begin;
  }

  void locate(YamlNode& node, size_t begin) {
    node.location = node.text_location = places_.at(begin);
    if (node.style == YamlStyle::block) {
      const size_t line_end = std::min(text_.find('\n', begin), text_.size());
      const size_t content = text_.find_first_not_of(" \n", line_end);
      if (content != std::string_view::npos) node.text_location = places_.at(content);
      return;
    }
    size_t content = begin;
    const char quote = begin < text_.size() ? text_[begin] : '\0';
    if (node.style == YamlStyle::quoted && (quote == '"' || quote == '\'')) {
      if (quoted_end(text_, begin) == std::string_view::npos) {
        throw Stop{broken("this quote is never closed", std::string("add the closing ") + quote,
                          node.location)};
      }
      ++content;
    }
    node.text_location = places_.at(content);
    node.exact = text_.substr(content, node.scalar.size()) == node.scalar &&
                 std::all_of(node.scalar.begin(), node.scalar.end(),
                             [](char c) { return static_cast<signed char>(c) >= ' '; });
  }

  void check_tag(const std::string& tag, const YAML::Mark& mark) {
    static constexpr std::array<std::string_view, 6> plain = {
        "", "?", "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"};
    if (std::find(plain.begin(), plain.end(), tag) != plain.end()) return;
    document.problems.push_back(broken("the tag '" + tag + "' has no meaning here",
                                       "remove it, or quote a text that begins with '!'",
                                       places_.at(offset(mark))));
  }

  void count(size_t nodes, const YAML::Mark& mark) {
    nodes_ += nodes;
    if (nodes_ <= limits_.nodes) return;
    throw Stop{broken("more than " + std::to_string(limits_.nodes) + " values in one file",
                      "split the project, or write fewer aliases", places_.at(offset(mark)))};
  }

  void open(YamlKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    const Location location = places_.at(offset(mark));
    if (expects_key()) {
      throw Stop{broken("a key must be plain text", "quote it if it begins with [ or {", location)};
    }
    if (stack_.size() >= limits_.depth) {
      throw Stop{broken("more than " + std::to_string(limits_.depth) + " levels of nesting",
                        "flatten it", location)};
    }
    count(1, mark);
    check_tag(tag, mark);
    Open opened;
    opened.node.kind = kind;
    opened.node.layout = style == YAML::EmitterStyle::Flow ? YamlLayout::flow : YamlLayout::block;
    opened.node.location = opened.node.text_location = location;
    opened.anchor = anchor;
    opened.nodes_before = nodes_ - 1;
    stack_.push_back(std::move(opened));
  }

  void close() {
    WEIR_CHECK(!stack_.empty(), "a collection ends that never began");
    Open done = std::move(stack_.back());
    stack_.pop_back();
    const size_t nodes = nodes_ - done.nodes_before;
    if (done.anchor != YAML::NullAnchor) {
      nodes_ += nodes;  // the copy kept for aliases is memory too
      anchors_[done.anchor] = {done.node, nodes};
    }
    attach(std::move(done.node));
  }

  void add(YamlNode node, size_t begin, YAML::anchor_t anchor) {
    if (expects_key()) return add_key(node, begin);
    count(1, YAML::Mark());
    if (anchor != YAML::NullAnchor) anchors_[anchor] = {node, 1};
    attach(std::move(node));
  }

  void add_key(const YamlNode& node, size_t begin) {
    if (node.kind != YamlKind::scalar && node.scalar.empty()) {
      throw Stop{broken("a ':' without a key in front of it", "name the key", node.location)};
    }
    stack_.back().node.entries.push_back({node.scalar, node.location, node.style, {}});
    stack_.back().has_key = true;
    stack_.back().key_offset = begin;
  }

  void attach(YamlNode node) {
    if (stack_.empty()) {
      document.root = std::move(node);
    } else if (stack_.back().node.kind == YamlKind::map) {
      stack_.back().node.entries.back().value = std::move(node);
      stack_.back().has_key = false;
    } else {
      stack_.back().node.items.push_back(std::move(node));
    }
  }

  std::string_view text_;
  const YamlLimits& limits_;
  Places places_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  size_t nodes_ = 0;
  bool done_ = false;
};

/// Line ends become '\n' (columns stay), a byte order mark goes. Errors name the byte refused.
Result<std::string> readable_text(std::string_view text, const std::string& file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_sequence_length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool control =
        (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r') || byte == 127;
    if (length == 0 || control) {
      const Location location = Places(out, file).at(out.size());
      if (control) {
        return fail(broken("a control character (byte " + std::to_string(byte) + ")",
                           "remove it, or write it as an escape in double quotes", location));
      }
      return fail(broken("bytes that are not UTF-8", "save the file as UTF-8", location));
    }
    if (byte == '\r') {
      out += '\n';
      i += text.substr(i, 2) == "\r\n" ? 2 : 1;
      continue;
    }
    out.append(text, i, length);
    i += length;
  }
  return out;
}

/// The line around an offset, without its end.
std::string_view line_at(std::string_view text, size_t offset) {
  offset = std::min(offset, text.size());
  const size_t before = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
  const size_t begin = before == std::string_view::npos ? 0 : before + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

/// Says in our words what yaml-cpp stumbled over.
Error explain(const YAML::Exception& failure, std::string_view text, Location location) {
  const size_t offset = failure.mark.pos < 0 ? 0 : size_t(failure.mark.pos);
  const std::string_view line = line_at(text, offset);
  if (line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos) {
    return broken("a tab indents this line", "indent with spaces", location);
  }
  const std::string_view said = failure.msg;
  if (said.starts_with("end of map flow") || said.starts_with("end of sequence flow")) {
    return broken("the bracket { or [ is not closed where YAML expects it",
                  "close it; inside brackets quote a value that holds , ? [ ] { or }", location);
  }
  if (said == "illegal map value" && line.ends_with(':')) {
    return broken("YAML takes a value that ends with ':' for a key", "quote the value", location);
  }
  if (said == "illegal map value") {
    return broken(
        "this ': ' does not fit here: the value before it goes on, or the indentation is off",
        "quote a value that holds ': ', and align keys that belong together", location);
  }
  if (said.starts_with("alias not found") || said.starts_with("the referenced anchor")) {
    return broken("YAML reads a value that begins with '*' as an alias", "quote the value",
                  location);
  }
  if (text.substr(offset, 1) == "?") {
    return broken("inside brackets YAML takes '?' for a sign of its own", "quote the whole value",
                  location);
  }
  if (said == "unknown token") {
    return broken("a value cannot begin with this character", "quote the value", location);
  }
  return broken("YAML cannot be read here: " + std::string(said), "check quotes and indentation",
                location);
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

Result<YamlDocument> parse_yaml(std::string_view text, const std::string& file,
                                const YamlLimits& limits) {
  if (text.size() > limits.size_bytes) {
    return fail(broken("the file is larger than " + std::to_string(limits.size_bytes) + " bytes",
                       "a project file is written by hand; keep data out of it", {file, 0, 0}));
  }
  const std::string readable = WEIR_TRY(readable_text(text, file));
  Builder builder(readable, file, limits);
  try {
    std::istringstream stream(readable);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& stop) {
    return fail(stop.error);
  } catch (const YAML::Exception& failure) {
    const size_t offset = failure.mark.pos < 0 ? 0 : size_t(failure.mark.pos);
    return fail(explain(failure, readable, builder.place(offset)));
  }
  return std::move(builder.document);
}

std::string yaml_scalar(std::string_view text) {
  // Plain only where no reader, however old, sees more in it than text.
  const auto letter = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
  const auto plain = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
  };
  static constexpr std::array<std::string_view, 9> words = {"null", "true", "false", "yes", "no",
                                                            "on",   "off",  "y",     "n"};
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? char(c | 32) : c;
  if (!text.empty() && (letter(text[0]) || text[0] == '_') &&
      std::all_of(text.begin(), text.end(), plain) &&
      std::find(words.begin(), words.end(), lower) == words.end()) {
    return std::string(text);
  }
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\', out += c;
    } else if (byte < ' ' || byte == 127) {
      static constexpr char digits[] = "0123456789abcdef";
      out += "\\x", out += digits[byte >> 4], out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace weir::text
