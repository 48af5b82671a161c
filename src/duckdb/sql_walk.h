#pragma once

#include <cstddef>
#include <string_view>

namespace weir::duckdb {

/// Walks over SQL text as DuckDB's lexer cuts it, as far as it takes to tell code from comments,
/// strings and quoted names: each of these is one step, every other byte too.
class SqlWalk {
 public:
  explicit SqlWalk(std::string_view sql, size_t at = 0) : sql_(sql), at_(at) {}

  size_t position() const { return at_; }
  bool done() const { return at_ >= sql_.size(); }
  char peek() const { return done() ? '\0' : sql_[at_]; }

  /// Over white space and comments.
  void skip_blanks();
  /// Over the word `word` (upper case) in any case. False: another word is here.
  bool skip_word(std::string_view word);
  void step();
  /// Over "( … )" with its inner brackets.
  void skip_brackets();

 private:
  bool skip_comment();
  void skip_quoted(char quote, bool escapes);
  void skip_dollar_quoted();

  std::string_view sql_;
  size_t at_ = 0;
};

/// Whether the first word is one with which queries begin, of any engine. It is looked at before an
/// engine looks closer: DuckDB makes EXPORT's folder while it prepares it, and MySQL's DDL ends a
/// transaction that should have guarded against it.
bool begins_like_a_query(std::string_view sql);

}  // namespace weir::duckdb
