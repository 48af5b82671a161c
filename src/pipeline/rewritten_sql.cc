#include "pipeline/rewritten_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/utf8.h"
#include "duckdb/sql_walk.h"
#include "mysql/sql_pieces.h"

namespace weir::pipeline {
namespace {

/// What of a statement a message shows.
constexpr size_t shown_bytes = 40;

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         (c & 0x80) != 0;
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

/// Where the line begins that this byte is in.
size_t line_begin(std::string_view text, size_t byte) {
  const size_t end = text.substr(0, byte).rfind('\n');
  return end == std::string_view::npos ? 0 : end + 1;
}

}  // namespace

std::string_view RewrittenSql::piece() const {
  if (engine_ == Engine::mysql) return rest().substr(0, mysql::piece_end(text_.text, at_) - at_);
  // What DuckDB's lexer tells apart it has from Postgres.
  duckdb::SqlWalk walk(text_.text, at_);
  walk.step();
  return rest().substr(0, walk.position() - at_);
}

bool RewrittenSql::is_comment(std::string_view piece) const {
  if (engine_ == Engine::mysql) return mysql::begins_comment(piece);
  return piece.starts_with("--") || piece.starts_with("/*");
}

bool RewrittenSql::begins_word() const { return at_ == 0 || !is_name(text_.text[at_ - 1]); }

void RewrittenSql::keep(size_t bytes) {
  sql_ += rest().substr(0, bytes);
  at_ = std::min(at_ + bytes, text_.text.size());
}

void RewrittenSql::put(std::string_view words, size_t bytes) {
  const size_t begin = sql_.size();
  sql_ += words;
  replaced_.push_back({begin, sql_.size(), at_, at_ + bytes});
  at_ += bytes;
}

Location place_in_file(const SqlText& text, size_t byte) {
  Location location = text.location;
  if (!text.exact) return location;
  const std::string_view before = std::string_view(text.text).substr(0, byte);
  const auto lines = std::ranges::count(before, '\n');
  if (lines == 0) {
    location.column += static_cast<int>(before.size());
    return location;
  }
  location.line += static_cast<int>(lines);
  location.column = static_cast<int>(before.size() - line_begin(before, before.size())) + 1;
  return location;
}

Location RewrittenSql::place(size_t source) const { return place_in_file(text_, source); }

size_t RewrittenSql::source_of(size_t result) const {
  size_t source = result;
  for (const Replaced& piece : replaced_) {
    if (result < piece.begin) break;
    if (result < piece.end) return piece.source;
    source = piece.source_end + (result - piece.end);
  }
  return std::min(source, text_.text.size());
}

Error RewrittenSql::explain(Error error, const server::Refusal& refusal) const {
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
  uint64_t column = 1;
  for (size_t at = line_begin(before, before.size()); at < before.size(); ++column) {
    at += std::max<size_t>(utf8_sequence_length(before.substr(at)), 1);
  }
  return fmt::format("line {}, character {}", lines + 1, column);
}

}  // namespace weir::pipeline
