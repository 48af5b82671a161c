#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/json_blank.h"
#include "text/records_for_test.h"

namespace weir::text {

/// What RecordBlocks and JsonRecords must find, the slow and obvious way: the whole input in
/// memory, one byte at a time, straight from the rules in record_blocks.h.
class SlowJson {
 public:
  SlowJson(std::string_view text, uint64_t max_record_bytes)
      : text_(text), max_(max_record_bytes) {}

  std::vector<SeenRecord> lines(size_t begin) {
    for (size_t at = begin; at < text_.size();) {
      const size_t end = std::min(text_.find('\n', at), text_.size());
      if (end - at > max_) {
        add(at, end, broken::too_long);
      } else {
        add_trimmed(at, end);
      }
      at = end + 1;
    }
    return std::move(all_);
  }

  /// `begin` is behind the '['.
  std::vector<SeenRecord> array(size_t begin) {
    size_t element = begin;
    bool seen_comma = false;
    bool damaged = false;
    while (true) {
      size_t end = damaged ? damaged_end(element, text_.size()) : element_end(element);
      if (!damaged && (end == text_.size() || end - element > max_)) {
        const size_t sooner = damaged_end(element, std::min(text_.size(), element + max_ + 1));
        damaged = sooner != text_.size();
        if (damaged) end = sooner;
      }
      if (end == text_.size()) {
        cut_short(element,
                  damaged ? open_.empty() && !in_open_string_ : depth_ == 0 && !in_string_);
        break;
      }
      const bool closes = text_[end] == ']';
      if (!closes || seen_comma || !trim_blanks(text_.substr(element, end - element)).empty()) {
        add_element(element, end);
      }
      element = end + 1;
      if (closes) {
        const std::string_view rest = trim_blanks(text_.substr(element));
        if (!rest.empty()) {
          const size_t at = static_cast<size_t>(rest.data() - text_.data());
          add(at, at + rest.size(), broken::text_after_array);
        }
        break;
      }
      seen_comma = true;
    }
    return std::move(all_);
  }

  std::vector<SeenRecord> values(size_t begin) {
    size_t at = begin;
    while (true) {
      while (at < text_.size() && is_json_blank(text_[at])) step(text_[at++]);
      if (at == text_.size()) break;
      const size_t end = value_end(at);
      const bool cut = depth_ > 0 || in_string_;
      if (end - at > max_) {
        add(at, end, broken::too_long);
      } else if (cut) {
        add(at, at + trim_blanks(text_.substr(at, end - at)).size(), broken::truncated_value);
      } else {
        add(at, end, nullptr);
      }
      at = end;
    }
    return std::move(all_);
  }

 private:
  void add(size_t begin, size_t end, const char* broken) {
    std::string text(text_.substr(begin, end - begin));
    if (broken != nullptr) text = text.substr(0, raw_text_limit);
    all_.push_back({begin, end - begin, text, broken == nullptr ? "" : broken, {}});
  }

  void add_trimmed(size_t begin, size_t end) {
    const std::string_view text = trim_blanks(text_.substr(begin, end - begin));
    if (text.empty()) return;
    const size_t at = static_cast<size_t>(text.data() - text_.data());
    add(at, at + text.size(), nullptr);
  }

  void add_element(size_t begin, size_t end) {
    if (end - begin > max_) {
      add(begin, end, broken::too_long);
    } else if (trim_blanks(text_.substr(begin, end - begin)).empty()) {
      add(end, end, broken::empty_element);
    } else {
      add_trimmed(begin, end);
    }
  }

  // Follows one byte; says whether it stands outside strings.
  bool step(char c) {
    const bool escaped = escaped_;
    escaped_ = !escaped && c == '\\';
    if (c == '"' && !escaped) {
      in_string_ = !in_string_;
      return !in_string_;
    }
    return !in_string_;
  }

  // The place of the ',' or ']' that ends the element, or the input's end.
  size_t element_end(size_t at) {
    for (; at < text_.size(); ++at) {
      const char c = text_[at];
      if (!step(c)) continue;
      if (c == '{' || c == '[') ++depth_;
      if (depth_ == 0 && (c == ',' || c == ']')) return at;
      if ((c == '}' || c == ']') && depth_ > 0) --depth_;
    }
    return at;
  }

  // The same by the rules for damaged elements, looking at no byte from `stop` on; text_.size()
  // when there is no end.
  size_t damaged_end(size_t begin, size_t stop) {
    open_.clear();
    in_open_string_ = false;
    char before = '\0';
    size_t token_end = begin;  // of the last one
    size_t behind = begin;
    for (size_t at = begin; at < stop; at = behind) {
      const char c = text_[at];
      behind = at + 1;
      if (is_json_blank(c)) continue;
      const size_t line_end = text_.substr(0, at).find('\n', token_end);
      if (open_.empty() && (c == ',' || c == ']')) return at;
      if (c == '{' && !open_.empty() && open_.back() == '{' && before != ':' &&
          (before == ',' || line_end != text_.npos)) {
        open_.resize(open_.find_last_of('[') + 1);
        if (open_.empty()) return at - 1;
      }
      if (c == '{' || c == '[') open_ += c;
      if (c == '}' || c == ']') {
        const size_t pair = open_.rfind(c == '}' ? '{' : '[');
        if (pair != open_.npos) open_.resize(pair);
      }
      if (c == '"') behind = string_end(at, stop);
      in_open_string_ = behind == text_.npos;
      if (in_open_string_) break;
      before = c;
      token_end = behind;
    }
    return text_.size();
  }

  // Behind the closing quote, or where its line ends; npos when `stop` comes first.
  size_t string_end(size_t quote, size_t stop) const {
    bool escaped = false;
    for (size_t at = quote + 1; at < stop; ++at) {
      const char c = text_[at];
      if (c == '\n') return at;
      if (c == '"' && !escaped) return at + 1;
      escaped = c == '\\' && !escaped;
    }
    return text_.npos;
  }

  void cut_short(size_t begin, bool at_top) {
    const std::string_view rest = trim_blanks(text_.substr(begin));
    const bool whole = at_top && !rest.empty() &&
                       std::string_view("}]\"").find(rest.back()) != std::string_view::npos;
    const size_t at = static_cast<size_t>(rest.data() - text_.data());
    if (text_.size() - begin > max_) {
      add(begin, text_.size(), broken::too_long);
    } else if (whole) {
      add(at, at + rest.size(), nullptr);
    } else if (!rest.empty()) {
      add(at, at + rest.size(), broken::truncated_array);
      return;
    }
    add(text_.size(), text_.size(), broken::truncated_array);
  }

  // A bracketed value ends with its bracket; a token before a blank or an opening bracket.
  size_t value_end(size_t at) {
    const bool bracketed = text_[at] == '{' || text_[at] == '[';
    for (size_t begin = at; at < text_.size(); ++at) {
      const char c = text_[at];
      const bool opens = c == '{' || c == '[';
      if (!bracketed && at > begin && !in_string_ && (opens || is_json_blank(c))) return at;
      if (!step(c) || !bracketed) continue;
      if (opens) ++depth_;
      if ((c == '}' || c == ']') && --depth_ == 0) return at + 1;
    }
    return at;
  }

  std::string_view text_;
  uint64_t max_;
  int64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  std::string open_;             // brackets of a damaged element …
  bool in_open_string_ = false;  // … which ends inside of a string
  std::vector<SeenRecord> all_;
};

}  // namespace weir::text
