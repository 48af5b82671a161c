#include "duckdb/sql_walk.h"

#include <algorithm>
#include <cctype>

namespace weir::duckdb {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

}  // namespace

bool begins_like_a_query(std::string_view sql) {
  SqlWalk walk(sql);
  walk.skip_blanks();
  if (walk.peek() == '(') return true;
  for (const char* word :
       {"SELECT", "FROM", "VALUES", "WITH", "TABLE", "SHOW", "DESCRIBE", "DESC", "SUMMARIZE",
        "EXPLAIN", "PIVOT", "UNPIVOT", "PIVOT_WIDER", "PIVOT_LONGER", "PRAGMA"}) {
    if (walk.skip_word(word)) return true;
  }
  return false;
}

void SqlWalk::skip_blanks() {
  while (!done()) {
    if (std::isspace(static_cast<unsigned char>(peek())) != 0) {
      ++at_;
    } else if (!skip_comment()) {
      return;
    }
  }
}

bool SqlWalk::skip_word(std::string_view word) {
  size_t end = at_;
  while (end < sql_.size() && is_word(sql_[end])) ++end;
  const std::string_view found = sql_.substr(at_, end - at_);
  const bool same = std::equal(found.begin(), found.end(), word.begin(), word.end(),
                               [](unsigned char a, char b) { return std::toupper(a) == b; });
  if (same) at_ = end;
  return same;
}

void SqlWalk::step() {
  if (done() || skip_comment()) return;
  const char c = peek();
  if (c == '\'' || c == '"') {
    const bool escapes = c == '\'' && at_ > 0 && (sql_[at_ - 1] | 0x20) == 'e' &&
                         (at_ < 2 || !is_word(sql_[at_ - 2]));
    skip_quoted(c, escapes);
  } else if (c == '$' && (at_ == 0 || !is_word(sql_[at_ - 1]))) {
    skip_dollar_quoted();
  } else {
    ++at_;
  }
}

void SqlWalk::skip_brackets() {
  int depth = 0;
  do {
    depth += peek() == '(' ? 1 : peek() == ')' ? -1 : 0;
    step();
  } while (depth > 0 && !done());
}

bool SqlWalk::skip_comment() {
  if (sql_.substr(at_).starts_with("--")) {
    at_ = std::min(sql_.find('\n', at_), sql_.size());
    return true;
  }
  if (!sql_.substr(at_).starts_with("/*")) return false;
  int depth = 0;
  while (!done()) {
    const std::string_view two = sql_.substr(at_, 2);
    const int change = two == "/*" ? 1 : two == "*/" ? -1 : 0;
    depth += change;
    at_ += change == 0 ? 1 : 2;
    if (depth == 0) break;
  }
  return true;
}

void SqlWalk::skip_quoted(char quote, bool escapes) {
  ++at_;
  while (!done() && peek() != quote) at_ += escapes && peek() == '\\' ? 2 : 1;
  at_ = std::min(at_ + 1, sql_.size());  // a doubled quote is two quoted texts side by side
}

void SqlWalk::skip_dollar_quoted() {
  size_t end = at_ + 1;
  while (end < sql_.size() && is_word(sql_[end])) ++end;
  if (end == sql_.size() || sql_[end] != '$') {
    ++at_;  // a parameter
    return;
  }
  const std::string_view tag = sql_.substr(at_, end + 1 - at_);
  const size_t close = sql_.find(tag, end + 1);
  at_ = close == std::string_view::npos ? sql_.size() : close + tag.size();
}

}  // namespace weir::duckdb
