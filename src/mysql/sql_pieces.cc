#include "mysql/sql_pieces.h"

namespace weir::mysql {
namespace {

bool is_space(char c) { return static_cast<unsigned char>(c) <= ' '; }

size_t quoted_end(std::string_view sql, size_t at) {
  const char quote = sql[at];
  for (size_t i = at + 1; i < sql.size(); ++i) {
    if (sql[i] == '\\' && quote != '`') {
      ++i;
    } else if (sql[i] == quote) {
      return i + 1;
    }
  }
  return sql.size();
}

bool begins_line_comment(std::string_view sql) {
  return sql.starts_with("#") || (sql.starts_with("--") && (sql.size() == 2 || is_space(sql[2])));
}

}  // namespace

bool begins_comment(std::string_view sql) {
  return sql.starts_with("/*") || begins_line_comment(sql);
}

size_t piece_end(std::string_view sql, size_t at) {
  const char c = sql[at];
  if (c == '\'' || c == '"' || c == '`') return quoted_end(sql, at);
  if (begins_line_comment(sql.substr(at))) {
    const size_t end = sql.find('\n', at);
    return end == std::string_view::npos ? sql.size() : end;
  }
  if (!sql.substr(at).starts_with("/*")) return at + 1;
  const size_t end = sql.find("*/", at + 2);
  return end == std::string_view::npos ? sql.size() : end + 2;
}

}  // namespace weir::mysql
