#include <algorithm>
#include <cctype>

#include "duckdb/connection.h"
#include "duckdb/native.h"

namespace weir::duckdb {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

/// Walks over SQL text: comments, strings and quoted names are one step each.
class SqlWalk {
 public:
  explicit SqlWalk(std::string_view sql) : sql_(sql) {}

  size_t position() const { return at_; }
  bool done() const { return at_ >= sql_.size(); }
  char peek() const { return done() ? '\0' : sql_[at_]; }

  void skip_blanks() {
    while (!done()) {
      if (std::isspace(static_cast<unsigned char>(peek())) != 0) {
        ++at_;
      } else if (!skip_comment()) {
        return;
      }
    }
  }

  /// Over the word `word` (upper case) in any case.
  bool skip_word(std::string_view word) {
    size_t end = at_;
    while (end < sql_.size() && is_word(sql_[end])) ++end;
    const std::string_view found = sql_.substr(at_, end - at_);
    const bool same = std::equal(found.begin(), found.end(), word.begin(), word.end(),
                                 [](unsigned char a, char b) { return std::toupper(a) == b; });
    if (same) at_ = end;
    return same;
  }

  void step() {
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

  /// Over "( … )" with its inner brackets.
  void skip_brackets() {
    int depth = 0;
    do {
      depth += peek() == '(' ? 1 : peek() == ')' ? -1 : 0;
      step();
    } while (depth > 0 && !done());
  }

 private:
  bool skip_comment() {
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

  void skip_quoted(char quote, bool escapes) {
    ++at_;
    while (!done() && peek() != quote) at_ += escapes && peek() == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, sql_.size());  // a doubled quote is two quoted texts side by side
  }

  void skip_dollar_quoted() {
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

  std::string_view sql_;
  size_t at_ = 0;
};

/// The one statement in `sql`, without semicolons around it and what stands behind them.
std::string bare_statement(const std::string& sql) {
  SqlWalk walk(sql);
  walk.skip_blanks();
  while (walk.peek() == ';') {
    walk.step();
    walk.skip_blanks();
  }
  const size_t begin = walk.position();
  while (!walk.done() && walk.peek() != ';') walk.step();
  return sql.substr(begin, walk.position() - begin);
}

/// What stands behind EXPLAIN, ANALYZE and options.
std::string explained_statement(const std::string& sql) {
  SqlWalk walk(sql);
  walk.skip_blanks();
  walk.skip_word("EXPLAIN");
  walk.skip_blanks();
  walk.skip_word("ANALYZE");
  walk.skip_blanks();
  if (walk.peek() == '(') {
    SqlWalk options = walk;
    options.skip_brackets();
    options.skip_blanks();
    if (!options.done()) walk = options;  // else the statement itself stands in brackets
  }
  return sql.substr(walk.position());
}

Result<void> show_small(Connection& connection, const std::string& sql, const RowSink& sink) {
  const Rows rows = WEIR_TRY(connection.run(sql));
  std::vector<ResultColumn> columns;
  for (size_t i = 0; i < rows.column_count(); ++i) {
    columns.push_back({rows.column_name(i), "VARCHAR"});
  }
  if (sink.columns) sink.columns(columns);
  std::vector<std::optional<std::string>> cells(columns.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t column = 0; column < cells.size(); ++column) {
      cells[column] =
          rows.is_null(row, column) ? std::nullopt : std::optional(rows.text(row, column));
    }
    if (!sink.row(cells)) break;
  }
  return {};
}

Result<void> require_one_statement(Connection& connection, const std::string& sql) {
  duckdb_extracted_statements extracted = nullptr;
  const idx_t count = duckdb_extract_statements(static_cast<duckdb_connection>(connection.native()),
                                                sql.c_str(), &extracted);
  std::string parse_error;
  if (count == 0) {
    const char* message = duckdb_extract_statements_error(extracted);
    parse_error = message == nullptr ? "there is no statement" : message;
  }
  duckdb_destroy_extracted(&extracted);
  if (count == 0) return fail(ErrorCode::sql, parse_error);
  if (count > 1) {
    return fail(ErrorCode::usage, "the text holds more than one statement", "give one at a time");
  }
  return {};
}

/// By the first word, before DuckDB looks closer: it makes EXPORT's folder while it prepares it.
bool begins_like_a_query(const std::string& sql) {
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

Error not_a_query() {
  return {ErrorCode::usage, "this statement is not a query",
          "rows come in through pipelines; add --write if you mean it"};
}

Result<duckdb_statement_type> statement_type(Connection& connection, const std::string& sql) {
  duckdb_prepared_statement native = nullptr;
  duckdb_prepare(static_cast<duckdb_connection>(connection.native()), sql.c_str(), &native);
  const Statement statement(native, sql);
  if (const char* message = duckdb_prepare_error(native); message != nullptr) {
    return fail(make_error(message));
  }
  return duckdb_prepared_statement_type(native);
}

}  // namespace

Result<void> query_text(Database& database, const std::string& sql, bool allow_write,
                        const RowSink& sink) {
  const auto connection = WEIR_TRY(database.connect());
  WEIR_TRY(require_one_statement(*connection, sql));
  const std::string bare = bare_statement(sql);
  if (!allow_write && !begins_like_a_query(bare)) return fail(not_a_query());
  const duckdb_statement_type type = WEIR_TRY(statement_type(*connection, bare));
  if (allow_write && type != DUCKDB_STATEMENT_TYPE_SELECT) {
    return show_small(*connection, bare, sink);
  }
  if (type == DUCKDB_STATEMENT_TYPE_EXPLAIN) {
    // EXPLAIN ANALYZE runs what it explains.
    const std::string inner = explained_statement(bare);
    if (!begins_like_a_query(inner)) return fail(not_a_query());
    const auto explained = WEIR_TRY(statement_type(*connection, inner));
    if (explained != DUCKDB_STATEMENT_TYPE_SELECT) return fail(not_a_query());
  } else if (type != DUCKDB_STATEMENT_TYPE_SELECT) {
    return fail(not_a_query());
  }
  if (!allow_write) WEIR_TRY(connection->run("BEGIN TRANSACTION READ ONLY"));
  if (type == DUCKDB_STATEMENT_TYPE_EXPLAIN) return show_small(*connection, bare, sink);
  auto streamed = connection->stream(bare, sink);
  if (streamed || streamed.error().message.find("Parser Error") == std::string::npos) {
    return streamed;
  }
  return show_small(*connection, bare, sink);  // SHOW and the like cannot be a subquery
}

}  // namespace weir::duckdb
