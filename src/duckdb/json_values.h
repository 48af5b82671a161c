#pragma once

// Inside src/duckdb only.

#include <string_view>

#include "duckdb/column_writer.h"
#include "duckdb/json_tokens.h"

namespace weir::duckdb {

/// Writes the JSON values under `tokens` into columns. One thread.
class JsonValues {
 public:
  explicit JsonValues(JsonTokens& tokens) : tokens_(tokens) {}

  /// The text the tokens walk over, and how long it stays.
  void begin(std::string_view text, TextLife life) {
    text_ = text;
    life_ = life;
  }

  /// Writes the current value and steps behind it. False: the JSON itself is broken. `fits` turns
  /// false when the value does not fit the column.
  bool decode(ColumnWriter& writer, idx_t row, int depth, bool& fits) {
    const char first = tokens_.peek();
    const TypeKind kind = writer.type().kind;
    if (first != 'n' && first != '{' && first != '[' && kind != TypeKind::json &&
        kind != TypeKind::list) {
      return decode_scalar(writer, row, fits);
    }
    return decode_other(writer, row, depth, fits);
  }

 private:
  bool decode_scalar(ColumnWriter& writer, idx_t row, bool& fits) {
    const std::string_view token = tokens_.token();
    if (tokens_.peek() == '"') {
      if (!tokens_.is_string(token)) return false;
      const std::string_view content = tokens_.content(token);
      const bool in_place = content.data() == token.data() + 1;
      fits = writer.put_text(row, content, in_place ? life_ : TextLife::call);
    } else {
      if (tokens_.done() || !JsonTokens::is_literal(token)) return false;
      fits = writer.put_text(row, token, life_);
    }
    tokens_.step();
    return true;
  }
  bool decode_other(ColumnWriter& writer, idx_t row, int depth, bool& fits);
  bool decode_json(ColumnWriter& writer, idx_t row, int depth);
  bool decode_list(ColumnWriter& writer, idx_t row, int depth, bool& fits);
  bool decode_elements(ColumnWriter& writer, int depth, bool& fits);

  JsonTokens& tokens_;
  std::string_view text_;
  TextLife life_ = TextLife::call;
};

}  // namespace weir::duckdb
