#include "pipeline/cell_batch.h"

#include <cstring>
#include <string_view>

#include "base/check.h"
#include "text/spelling.h"

namespace weir::pipeline {
namespace {

server::TextCell text_cell(std::string_view text) {
  server::TextCell cell;
  cell.length = static_cast<uint32_t>(text.size());
  if (text.size() <= sizeof cell.inlined) {
    std::memcpy(cell.inlined, text.data(), text.size());
    return cell;
  }
  const char* data = text.data();
  std::memcpy(cell.inlined, data, 4);
  std::memcpy(cell.inlined + 4, &data, sizeof data);
  return cell;
}

size_t bytes_of(TypeKind kind) {
  switch (kind) {
    case TypeKind::boolean: return sizeof(bool);
    case TypeKind::integer: return sizeof(int32_t);
    case TypeKind::bigint:
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return sizeof(int64_t);
    default: return sizeof(server::TextCell);
  }
}

/// Reads the text with one of text/spelling.h; it is weir's own, and spelled right.
template <class Value>
void store(std::string_view text, text::Spelling (*parse)(std::string_view, Value&), char* to) {
  Value value{};
  WEIR_CHECK(parse(text, value) == text::Spelling::ok, "a cell is not of its column's type");
  std::memcpy(to, &value, sizeof value);
}

void store(TypeKind kind, std::string_view text, char* to) {
  switch (kind) {
    case TypeKind::boolean: return store(text, text::parse_boolean, to);
    case TypeKind::integer: return store<int32_t>(text, text::parse_integer, to);
    case TypeKind::bigint: return store<int64_t>(text, text::parse_integer, to);
    case TypeKind::timestamp: return store(text, text::parse_timestamp, to);
    case TypeKind::timestamptz: return store(text, text::parse_timestamptz, to);
    default: break;
  }
  WEIR_CHECK(kind == TypeKind::varchar, "cells of a type that is not written by cells");
  const server::TextCell cell = text_cell(text);
  std::memcpy(to, &cell, sizeof cell);
}

}  // namespace

CellBatch::CellBatch(std::span<const DataType> types, std::span<const server::Cell> cells)
    : rows_(cells.size() / types.size()), values_(types.size()) {
  for (size_t column = 0; column < types.size(); ++column) {
    const TypeKind kind = types[column].kind;
    const size_t bytes = bytes_of(kind);
    Values& values = values_[column];
    values.bytes.resize(rows_ * bytes);
    values.validity.resize((rows_ + 63) / 64);
    for (size_t row = 0; row < rows_; ++row) {
      const server::Cell& cell = cells[row * types.size() + column];
      if (!cell) continue;
      values.validity[row / 64] |= uint64_t{1} << (row % 64);
      store(kind, *cell, values.bytes.data() + row * bytes);
    }
    views_.push_back({&types[column], values.bytes.data(), values.validity.data(), nullptr});
  }
}

}  // namespace weir::pipeline
