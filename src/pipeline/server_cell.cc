#include "pipeline/server_cell.h"

namespace weir::pipeline {

duckdb::Parameter read_cell(const server::Cell& cell, bool bytes) {
  if (!cell) return {};
  if (!bytes) return *cell;
  std::string spelled;
  for (size_t i = 2; i + 1 < cell->size(); i += 2) spelled.append("\\x").append(*cell, i, 2);
  return spelled;
}

}  // namespace weir::pipeline
