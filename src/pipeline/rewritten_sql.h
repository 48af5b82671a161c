#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/pipeline.h"
#include "model/project.h"
#include "server/connection.h"

namespace weir::pipeline {

/// A SQL text of the project file on its way to an engine: walks over it piece by piece, puts other
/// words in the place of some, and remembers what stood where, so that what the engine says of the
/// result is told at the place in the project file.
class RewrittenSql {
 public:
  RewrittenSql(SqlText text, Engine engine) : text_(std::move(text)), engine_(engine) {}

  /// As far as it is rewritten.
  const std::string& sql() const { return sql_; }
  const SqlText& source() const { return text_; }

  bool done() const { return at_ >= text_.text.size(); }
  size_t at() const { return at_; }
  std::string_view rest() const { return std::string_view(text_.text).substr(at_); }
  /// What the engine takes for one piece here: a string, a quoted name or a comment, else one byte.
  std::string_view piece() const;
  bool is_comment(std::string_view piece) const;
  /// Whether what begins here with a `$` is not the end of a name like a$1.
  bool begins_word() const;

  /// Takes so many bytes as they are.
  void keep(size_t bytes);
  /// Puts these words in the place of so many bytes.
  void put(std::string_view words, size_t bytes);

  /// Where a byte of the source stands in the project file: exactly where the text is written there
  /// as it is, else where the text begins.
  Location place(size_t source) const;
  /// The byte of the source that a byte of the result is made of.
  size_t source_of(size_t result) const;
  /// What a server says of the result, at its place in the project file, or with the words there.
  Error explain(Error error, const server::Refusal& refusal) const;

 private:
  /// Where a piece that was put in begins and ends in `sql_`, and where it stood in the text.
  struct Replaced {
    size_t begin = 0, end = 0;
    size_t source = 0, source_end = 0;
  };

  SqlText text_;
  Engine engine_;
  size_t at_ = 0;
  std::string sql_;
  std::vector<Replaced> replaced_;
};

/// Where a byte of a text stands in the file that it is written in: see RewrittenSql::place.
Location place_in_file(const SqlText& text, size_t byte);

/// Where a character of a text stands, from 1: "line 2, character 7".
std::string place_in_text(std::string_view text, uint64_t character);

}  // namespace weir::pipeline
