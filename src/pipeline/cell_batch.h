#pragma once

#include <span>
#include <vector>

#include "model/data_type.h"
#include "server/column_view.h"
#include "server/connection.h"

namespace weir::pipeline {

/// Rows of cells of weir's own, spelled as text/spelling.h reads them, as the batch that a bulk
/// load takes. Types: boolean, integer, bigint, timestamp, timestamptz, varchar. Borrows the cells.
class CellBatch {
 public:
  /// `cells`: row by row, `types.size()` to a row.
  CellBatch(std::span<const DataType> types, std::span<const server::Cell> cells);
  CellBatch(const CellBatch&) = delete;
  CellBatch& operator=(const CellBatch&) = delete;

  server::RowBatch batch() const { return {rows_, views_}; }

 private:
  struct Values {
    std::vector<char> bytes;
    std::vector<uint64_t> validity;
  };

  size_t rows_;
  std::vector<Values> values_;
  std::vector<server::ColumnView> views_;
};

}  // namespace weir::pipeline
