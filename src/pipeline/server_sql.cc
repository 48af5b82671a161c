#include "pipeline/server_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/utf8.h"
#include "duckdb/sql_walk.h"
#include "mysql/sql_pieces.h"
#include "pipeline/run_variables.h"

namespace weir::pipeline {
namespace {

constexpr std::string_view day_name = "${run.day}";
constexpr std::string_view moment_name = "${run.scheduled_for}";
constexpr std::string_view any_variable = "${run.";
/// What of a statement a message shows.
constexpr size_t shown_bytes = 40;

/// Where the string, quoted name or comment that begins at `at` ends; else one byte further.
size_t piece_end(const std::string& sql, size_t at, Engine engine) {
  if (engine == Engine::mysql) return mysql::piece_end(sql, at);
  // What DuckDB's lexer tells apart it has from Postgres.
  duckdb::SqlWalk walk(sql, at);
  walk.step();
  return walk.position();
}

bool is_comment(std::string_view piece, Engine engine) {
  if (engine == Engine::mysql) return mysql::begins_comment(piece);
  return piece.starts_with("--") || piece.starts_with("/*");
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         (c & 0x80) != 0;
}

/// "$1", but not the end of a name like a$1.
bool is_parameter(std::string_view sql, size_t at) {
  return sql[at] == '$' && at + 1 < sql.size() && is_digit(sql[at + 1]) &&
         (at == 0 || !is_name(sql[at - 1]));
}

/// The byte at which the character with this number, from 1, begins.
size_t byte_of(std::string_view text, uint64_t character) {
  size_t at = 0;
  while (character > 1 && at < text.size()) {
    at += std::max<size_t>(utf8_sequence_length(text.substr(at)), 1);
    --character;
  }
  return at;
}

std::string words_at(std::string_view text, size_t at) {
  std::string words(text.substr(at, shown_bytes));
  while (!words.empty() && (static_cast<unsigned char>(words.back()) & 0xc0) == 0x80) {
    words.pop_back();
  }
  if (!words.empty() && static_cast<unsigned char>(words.back()) >= 0xc0) words.pop_back();
  std::ranges::replace(words, '\n', ' ');
  return at + words.size() < text.size() ? words + "…" : words;
}

}  // namespace

Result<ServerSql> ServerSql::make(const SqlText& text, Engine engine) {
  ServerSql made(text, engine);
  const std::string& source = made.text_.text;
  for (size_t at = 0; at < source.size();) {
    const std::string_view rest = std::string_view(source).substr(at);
    if (rest.starts_with(day_name)) {
      made.put_in(Variable::day, at, day_name.size());
      continue;
    }
    if (rest.starts_with(moment_name)) {
      made.put_in(Variable::scheduled_for, at, moment_name.size());
      continue;
    }
    if (is_parameter(source, at)) {
      return fail(made.misplaced("the statement has a parameter of its own",
                                 "write ${run.day} or ${run.scheduled_for}", at));
    }
    const size_t end = piece_end(source, at, engine);
    const std::string_view piece = rest.substr(0, end - at);
    if (piece.size() > 1 && !is_comment(piece, engine) &&
        piece.find(any_variable) != std::string_view::npos) {
      return fail(made.misplaced("a run variable stands in quotes, where it is only text",
                                 "write it without quotes: it is a parameter, with its own type",
                                 at));
    }
    made.sql_ += piece;
    at = end;
  }
  return made;
}

void ServerSql::put_in(Variable variable, size_t& at, size_t length) {
  auto known = std::ranges::find(variables_, variable);
  if (known == variables_.end()) known = variables_.insert(known, variable);
  const auto number = known - variables_.begin() + 1;
  const std::string_view moment_type = engine_ == Engine::mysql ? "DATETIME(6)" : "timestamptz";
  const size_t begin = sql_.size();
  sql_ += fmt::format("CAST(${} AS {})", number, variable == Variable::day ? "date" : moment_type);
  replaced_.push_back({begin, sql_.size(), at, at + length});
  at += length;
}

Result<std::vector<server::Cell>> ServerSql::parameters(const Pipeline& pipeline,
                                                        Timestamp scheduled_for) const {
  std::vector<server::Cell> cells;
  for (const Variable variable : variables_) {
    if (variable == Variable::day) {
      cells.emplace_back(
          WEIR_TRY(fill_run_variables(std::string(day_name), pipeline, scheduled_for)));
      continue;
    }
    std::string moment = format_timestamp(scheduled_for);
    if (engine_ == Engine::mysql) moment.pop_back();  // its moments have no zone, and mean UTC
    cells.emplace_back(std::move(moment));
  }
  return cells;
}

Location ServerSql::place(size_t source) const {
  Location location = text_.location;
  if (text_.exact) location.column += static_cast<int>(source);
  return location;
}

Error ServerSql::misplaced(std::string message, std::string fix, size_t source) const {
  return {ErrorCode::sql, std::move(message), std::move(fix), place(source)};
}

size_t ServerSql::source_of(size_t at) const {
  size_t source = at;
  for (const Replaced& piece : replaced_) {
    if (at < piece.begin) break;
    if (at < piece.end) return piece.source;
    source = piece.source_end + (at - piece.end);
  }
  return source;
}

Error ServerSql::explain(Error error, const server::Refusal& refusal) const {
  if (error.location.line > 0 || error.code != ErrorCode::sql) return error;
  error.location = text_.location;
  if (refusal.position == 0) return error;
  const size_t source = source_of(byte_of(sql_, refusal.position));
  error.location = place(source);
  if (!text_.exact) error.message += ", at: " + words_at(text_.text, source);
  return error;
}

std::string place_in_text(std::string_view text, uint64_t character) {
  const std::string_view before = text.substr(0, byte_of(text, character));
  const auto lines = std::ranges::count(before, '\n');
  const size_t line_begin =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  uint64_t column = 1;
  for (size_t at = line_begin; at < before.size(); ++column) {
    at += std::max<size_t>(utf8_sequence_length(before.substr(at)), 1);
  }
  return fmt::format("line {}, character {}", lines + 1, column);
}

}  // namespace weir::pipeline
