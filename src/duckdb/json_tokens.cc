#include "duckdb/json_tokens.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace weir::duckdb {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_number(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const size_t begin = at;
  if (!digits() || (text[begin] == '0' && at > begin + 1)) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

}  // namespace

struct JsonTokens::Stage {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
  size_t capacity = 0;

  /// simdjson wants a capacity above the length; it keeps 4 bytes per byte of it.
  void reserve(size_t size) {
    if (size < capacity) return;
    capacity = std::max<size_t>(size + 1, capacity * 2);
    capacity = std::max<size_t>(capacity, 4096);
    const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
        capacity, 1, parser);
    WEIR_CHECK(!error, "no memory for the JSON index");
  }
};

JsonTokens::JsonTokens() : stage_(std::make_unique<Stage>()) {}
JsonTokens::~JsonTokens() = default;

JsonTokens::Start JsonTokens::start(std::string_view text) {
  text_ = text.data();
  size_ = text.size();
  at_ = count_ = 0;
  too_deep_ = false;
  if (text.empty()) return Start::broken;
  stage_->reserve(text.size());
  const auto error = stage_->parser->stage1(reinterpret_cast<const uint8_t*>(text.data()),
                                            text.size(), simdjson::stage1_mode::regular);
  if (error == simdjson::UTF8_ERROR) return Start::not_utf8;
  if (error) return Start::broken;
  index_ = stage_->parser->structural_indexes.get();
  count_ = stage_->parser->n_structural_indexes;
  escapes_ = std::memchr(text.data(), '\\', text.size()) != nullptr;
  return Start::ok;
}

std::string_view JsonTokens::token() const {
  const size_t begin = position();
  size_t end = at_ + 1 < count_ ? index_[at_ + 1] : size_;
  while (end > begin && is_blank(text_[end - 1])) --end;
  return {text_ + begin, end - begin};
}

bool JsonTokens::is_string(std::string_view token) {
  if (token.size() < 2 || token.front() != '"' || token.back() != '"') return false;
  if (!escapes_ || token.find('\\') == std::string_view::npos) return true;
  return content(token).data() != nullptr;
}

std::string_view JsonTokens::content(std::string_view token) {
  const std::string_view inside = token.substr(1, token.size() - 2);
  if (!escapes_ || inside.find('\\') == std::string_view::npos) return inside;
  const size_t wanted = token.size() + simdjson::SIMDJSON_PADDING;
  if (unescaped_capacity_ < wanted) {
    unescaped_ = std::make_unique<char[]>(wanted * 2);
    unescaped_capacity_ = wanted * 2;
  }
  auto* out = reinterpret_cast<uint8_t*>(unescaped_.get());
  const uint8_t* end =
      stage_->parser->parse_string(reinterpret_cast<const uint8_t*>(inside.data()), out);
  if (end == nullptr) return {};
  return {unescaped_.get(), static_cast<size_t>(end - out)};
}

bool JsonTokens::is_literal(std::string_view token) {
  if (token.empty()) return false;
  switch (token.front()) {
    case 't': return token == "true";
    case 'f': return token == "false";
    case 'n': return token == "null";
    default: return is_number(token);
  }
}

bool JsonTokens::skip_value(int depth) {
  switch (peek()) {
    case '{': return enter(depth) && skip_members(depth + 1);
    case '[': return enter(depth) && skip_elements(depth + 1);
    case '"': {
      if (!at_string()) return false;
      step();
      return true;
    }
    default: {
      if (done() || !is_literal(token())) return false;
      step();
      return true;
    }
  }
}

bool JsonTokens::skip_members(int depth) {
  step();  // {
  if (peek() == '}') {
    step();
    return true;
  }
  while (true) {
    if (peek() != '"' || !at_string()) return false;
    step();
    if (peek() != ':') return false;
    step();
    if (!skip_value(depth)) return false;
    const char next = peek();
    step();
    if (next == '}') return true;
    if (next != ',') return false;
  }
}

bool JsonTokens::skip_elements(int depth) {
  step();  // [
  if (peek() == ']') {
    step();
    return true;
  }
  while (true) {
    if (!skip_value(depth)) return false;
    const char next = peek();
    step();
    if (next == ']') return true;
    if (next != ',') return false;
  }
}

}  // namespace weir::duckdb
