#include "text/json_members.h"

#include "text/json.h"
#include "text/spelling.h"

namespace weir::text {
namespace {

/// Walks over text that is known to be valid JSON.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) { skip_blanks(); }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  size_t position() const { return at_; }
  void step() {
    ++at_;
    skip_blanks();
  }

  /// The value here, whatever it is.
  std::string_view take_value() {
    const size_t begin = at_;
    if (peek() == '"') {
      skip_string();
    } else if (peek() == '{' || peek() == '[') {
      skip_nested();
    } else {
      while (at_ < text_.size() && !is_end(text_[at_])) ++at_;
    }
    const std::string_view value = text_.substr(begin, at_ - begin);
    skip_blanks();
    return value;
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool is_end(char c) { return is_blank(c) || c == ',' || c == '}' || c == ']'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  void skip_string() {
    for (++at_; text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
  }
  void skip_nested() {
    size_t depth = 0;
    do {
      const char c = text_[at_];
      if (c == '"') {
        skip_string();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    } while (depth > 0);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::string json_string(std::string_view token) {
  const std::string_view content = token.substr(1, token.size() - 2);
  if (content.find('\\') == std::string_view::npos) return std::string(content);
  const auto parsed = Json::parse(token);
  return parsed ? parsed->as_string() : std::string(content);
}

Result<std::vector<JsonMember>> json_members(std::string_view text) {
  if (!is_valid_json(text)) return fail(ErrorCode::invalid_input, "this is not valid JSON");
  Walk walk(text);
  if (walk.peek() != '{') return fail(ErrorCode::invalid_input, "this is not a JSON object");
  std::vector<JsonMember> members;
  walk.step();
  while (walk.peek() != '}') {
    JsonMember& member = members.emplace_back();
    member.offset = walk.position();
    member.name = json_string(walk.take_value());
    walk.step();  // :
    member.value = walk.take_value();
    if (walk.peek() == ',') walk.step();
  }
  return members;
}

}  // namespace weir::text
