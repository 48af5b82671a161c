#include "server/connection.h"

#include <charconv>

namespace weir::server {

int64_t Rows::int64(size_t row, size_t column) const {
  const Cell& cell = rows[row][column];
  int64_t value = 0;
  if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), value);
  return value;
}

}  // namespace weir::server
