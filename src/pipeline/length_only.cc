#include "pipeline/length_only.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace weir::pipeline {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Whether text[begin, end) stands as `len( … )`.
bool inside_len(std::string_view text, size_t begin, size_t end) {
  while (begin > 0 && is_blank(text[begin - 1])) --begin;
  while (end < text.size() && is_blank(text[end])) ++end;
  if (begin == 0 || text[begin - 1] != '(' || end == text.size() || text[end] != ')') return false;
  --begin;
  while (begin > 0 && is_blank(text[begin - 1])) --begin;
  if (begin < 3 || text.substr(begin - 3, 3) != "len") return false;
  return begin == 3 || !is_word(text[begin - 4]);
}

}  // namespace

bool names_length_only(std::string_view sql, std::string_view column) {
  const std::string text = lowered(sql);
  const std::string name = lowered(column);
  // What can name a column without its letters: stars, COLUMNS(…), positions (#1), whole rows (by
  // the name DuckDB gives a subquery that has none), lambdas and subqueries.
  for (const char* doubt :
       {"*", "columns", "#", "unnamed_subquery", "select", "unpack", "->", "lambda"}) {
    if (text.find(doubt) != std::string::npos) return false;
  }
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    if (!inside_len(text, at, at + name.size())) return false;
  }
  return true;
}

}  // namespace weir::pipeline
