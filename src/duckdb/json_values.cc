#include "duckdb/json_values.h"

namespace weir::duckdb {

bool JsonValues::decode_other(ColumnWriter& writer, idx_t row, int depth, bool& fits) {
  const char first = tokens_.peek();
  if (first == 'n') {
    writer.put_null(row);
    return tokens_.skip_value(depth);
  }
  if (writer.type().kind == TypeKind::json) return decode_json(writer, row, depth);
  if (writer.type().kind == TypeKind::list && first == '[') {
    return decode_list(writer, row, depth, fits);
  }
  fits = false;
  return tokens_.skip_value(depth);
}

bool JsonValues::decode_json(ColumnWriter& writer, idx_t row, int depth) {
  const size_t begin = tokens_.position();
  const bool nested = tokens_.peek() == '{' || tokens_.peek() == '[';
  const size_t scalar_bytes = nested ? 0 : tokens_.token().size();
  if (!tokens_.skip_value(depth)) return false;
  const size_t bytes = nested ? tokens_.last_position() + 1 - begin : scalar_bytes;
  writer.put_json(row, text_.substr(begin, bytes), life_);
  return true;
}

bool JsonValues::decode_list(ColumnWriter& writer, idx_t row, int depth, bool& fits) {
  if (!tokens_.enter(depth)) return false;
  writer.begin_list(row);
  const bool whole = decode_elements(writer, depth, fits);
  if (whole && fits) {
    writer.end_list(row);
  } else {
    writer.drop_list();
  }
  return whole;
}

bool JsonValues::decode_elements(ColumnWriter& writer, int depth, bool& fits) {
  tokens_.step();  // [
  if (tokens_.peek() == ']') {
    tokens_.step();
    return true;
  }
  while (true) {
    bool element_fits = true;
    const idx_t at = writer.add_element();
    if (!decode(writer.element(), at, depth + 1, element_fits)) return false;
    fits = fits && element_fits;
    const char next = tokens_.peek();
    tokens_.step();
    if (next == ']') return true;
    if (next != ',') return false;
  }
}

}  // namespace weir::duckdb
