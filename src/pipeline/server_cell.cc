#include "pipeline/server_cell.h"

#include <algorithm>

namespace weir::pipeline {

CellSpelling cell_spelling(TypeKind kind) {
  switch (kind) {
    case TypeKind::bytes: return CellSpelling::bytes;
    case TypeKind::date:
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return CellSpelling::day;
    default: return CellSpelling::plain;
  }
}

CellSpelling cell_spelling(std::string_view duckdb_type) {
  if (duckdb_type == "BLOB") return CellSpelling::bytes;
  const bool day = duckdb_type == "DATE" || duckdb_type.starts_with("TIMESTAMP");
  return day ? CellSpelling::day : CellSpelling::plain;
}

duckdb::Parameter read_cell(const server::Cell& cell, CellSpelling spelling) {
  if (!cell) return {};
  if (spelling == CellSpelling::day && cell->ends_with(" BC")) {
    std::string spelled = cell->substr(0, cell->size() - 3);
    return spelled.insert(std::min(spelled.find(' '), spelled.size()), " (BC)");
  }
  if (spelling != CellSpelling::bytes) return *cell;
  std::string spelled;
  for (size_t i = 2; i + 1 < cell->size(); i += 2) spelled.append("\\x").append(*cell, i, 2);
  return spelled;
}

}  // namespace weir::pipeline
