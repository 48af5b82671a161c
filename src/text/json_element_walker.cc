#include "text/json_element_walker.h"

#include "text/json_blank.h"

namespace weir::text {
namespace {

constexpr size_t deepest_followed = 4096;

}  // namespace

ElementWalker::Step ElementWalker::look(char c) {
  if (in_string_) {
    look_in_string(c);
    return Step::going;
  }
  if (is_json_blank(c)) {
    if (c == '\n') line_end_ = true;
    return Step::going;
  }
  Step step = Step::going;
  switch (c) {
    case '"': in_string_ = true; break;
    case '{': step = look_at_brace(); break;
    case '[': open(c); break;
    case '}': close('{'); break;
    case ']':
      if (open_.empty()) return Step::closed;
      close('[');
      break;
    case ',':
      if (open_.empty()) return Step::ended;
      break;
    default: break;
  }
  before_ = c;
  line_end_ = false;
  return step;
}

void ElementWalker::look_in_string(char c) {
  if (c == '\n') {
    in_string_ = escaped_ = false;
    line_end_ = true;
  } else if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_string_ = false;
  }
}

ElementWalker::Step ElementWalker::look_at_brace() {
  const bool misplaced = deeper_ == 0 && !open_.empty() && open_.back() == '{' && before_ != ':';
  if (misplaced && (before_ == ',' || line_end_)) {
    while (!open_.empty() && open_.back() == '{') open_.pop_back();
    if (open_.empty()) return Step::broken;
  }
  open('{');
  return Step::going;
}

void ElementWalker::open(char c) {
  if (open_.size() < deepest_followed) {
    open_ += c;
  } else {
    ++deeper_;
  }
}

void ElementWalker::close(char opened) {
  if (deeper_ > 0) {
    --deeper_;
    return;
  }
  const size_t at = open_.rfind(opened);
  if (at != std::string::npos) open_.resize(at);
}

}  // namespace weir::text
