#include <simdjson.h>

#include <bit>
#include <bitset>
#include <cstring>

#include "text/byte_mask.h"
#include "text/json_blank.h"
#include "text/spelling.h"

namespace weir::text {
namespace {

constexpr int deepest_json = 1024;

bool is_ascii(std::string_view text) {
  constexpr uint64_t high_bits = 0x8080'8080'8080'8080;
  size_t at = 0;
  uint64_t seen = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    seen |= word;
  }
  for (; at < text.size(); ++at) seen |= static_cast<unsigned char>(text[at]);
  return (seen & high_bits) == 0;
}

// Walks over one JSON text. What is open is a bit per level, not a call per level.
class JsonCheck {
 public:
  JsonCheck(std::string_view text, int depth)
      : at_(text.data()), end_(at_ + text.size()), limit_(std::min(depth, deepest_json)) {}

  bool run() {
    State state = State::value;
    while (state != State::wrong) {
      skip_blanks();
      if (state == State::behind_value && depth_ == 0) return at_ == end_;
      if (at_ == end_) return false;
      state = step(state);
    }
    return false;
  }

 private:
  enum class State { value, value_or_end, key, key_or_end, behind_value, wrong };

  State step(State state) {
    const char c = *at_;
    switch (state) {
      case State::value_or_end:
        if (c == ']') return close();
        [[fallthrough]];
      case State::value: return value(c);
      case State::key_or_end:
        if (c == '}') return close();
        [[fallthrough]];
      case State::key:
        if (c != '"' || !string()) return State::wrong;
        skip_blanks();
        return take(':') ? State::value : State::wrong;
      case State::behind_value:
        if (c == (in_object() ? '}' : ']')) return close();
        if (!take(',')) return State::wrong;
        return in_object() ? State::key : State::value;
      case State::wrong: break;
    }
    return State::wrong;
  }

  State value(char c) {
    if (c == '{' || c == '[') {
      if (depth_ == limit_) return State::wrong;
      ++at_;
      objects_[static_cast<size_t>(depth_++)] = c == '{';
      return c == '{' ? State::key_or_end : State::value_or_end;
    }
    const bool good = c == '"'   ? string()
                      : c == 't' ? word("true")
                      : c == 'f' ? word("false")
                      : c == 'n' ? word("null")
                                 : number();
    return good ? State::behind_value : State::wrong;
  }

  State close() {
    ++at_;
    --depth_;
    return State::behind_value;
  }

  bool in_object() const { return objects_[static_cast<size_t>(depth_ - 1)]; }

  void skip_blanks() {
    while (at_ < end_ && is_json_blank(*at_)) ++at_;
  }

  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool word(std::string_view expected) {
    if (!std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }

  bool digits() {
    const char* const begin = at_;
    while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ > begin;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  bool string() {
    for (++at_; at_ < end_; ++at_) {
      if (*at_ == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(*at_) < 0x20) return false;
      if (*at_ == '\\' && !escape()) return false;
    }
    return false;
  }

  // From the backslash to the escape's last character.
  bool escape() {
    if (++at_ == end_) return false;
    if (*at_ != 'u') return std::string_view("\"\\/bfnrt").find(*at_) != std::string_view::npos;
    int unit = 0;
    if (!hex_unit(unit) || (unit >= 0xdc00 && unit < 0xe000)) return false;
    if (unit < 0xd800 || unit >= 0xe000) return true;
    if (end_ - at_ < 3 || at_[1] != '\\' || at_[2] != 'u') return false;
    at_ += 2;
    return hex_unit(unit) && unit >= 0xdc00 && unit < 0xe000;
  }

  bool hex_unit(int& unit) {
    if (end_ - at_ < 5) return false;
    unit = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = *++at_;
      const char lower = static_cast<char>(c | 0x20);
      if (c >= '0' && c <= '9') {
        unit = unit * 16 + (c - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        unit = unit * 16 + (lower - 'a' + 10);
      } else {
        return false;
      }
    }
    return true;
  }

  const char* at_;
  const char* end_;
  int limit_;
  int depth_ = 0;
  std::bitset<deepest_json> objects_;  // per open level: an object, not an array
};

}  // namespace

bool is_valid_utf8(std::string_view text) {
  return is_ascii(text) || simdjson::validate_utf8(text.data(), text.size());
}

size_t count_code_points(std::string_view text) {
  // All bytes but continuation bytes, which are 0x80 … 0xbf: the lowest as signed numbers.
  size_t count = 0;
  for (const char c : text) count += static_cast<signed char>(c) >= -64 ? 1 : 0;
  return count;
}

bool is_valid_json(std::string_view text, int depth) {
  return is_valid_utf8(text) && JsonCheck(text, depth).run();
}

}  // namespace weir::text
