#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "model/data_type.h"

namespace weir::server {

/// A hugeint, a wide decimal or a uuid, as two's complement. A uuid's first byte is the highest
/// one, with its top bit flipped.
struct Int128 {
  uint64_t low = 0;
  int64_t high = 0;
};

/// Where a list's elements lie in the column of elements.
struct ListEntry {
  uint64_t offset = 0;
  uint64_t length = 0;
};

/// A text or its place: 16 bytes, of which short texts take the last twelve.
struct TextCell {
  uint32_t length = 0;
  char inlined[12] = {};  ///< longer than that: four bytes of prefix, then a pointer

  std::string_view view() const {
    if (length <= sizeof inlined) return {inlined, length};
    const char* data = nullptr;
    std::memcpy(&data, inlined + 4, sizeof data);
    return {data, length};
  }
};
static_assert(sizeof(TextCell) == 16 && sizeof(Int128) == 16 && sizeof(ListEntry) == 16);

/// One column of a batch of rows, laid out as DuckDB's vectors are (its C API documents them):
///
///   boolean uint8_t · tinyint, smallint, integer, bigint int8_t … int64_t · hugeint Int128
///   real float · double double · date int32_t days and timestamp, timestamptz int64_t
///   microseconds since 1970 · time int64_t microseconds since midnight
///   decimal(p): p ≤ 4 int16_t, ≤ 9 int32_t, ≤ 18 int64_t, else Int128, times 10^scale
///   varchar, json, bytes TextCell · uuid Int128 · list ListEntry into `elements`
///
/// Borrows everything: it lives as long as its batch.
struct ColumnView {
  const DataType* type = nullptr;
  const void* data = nullptr;
  const uint64_t* validity = nullptr;    ///< a bit per row, 1 = there; null: no row is NULL
  const ColumnView* elements = nullptr;  ///< of a list

  bool is_null(size_t row) const {
    return validity != nullptr && (validity[row / 64] >> (row % 64) & 1) == 0;
  }
  template <typename Cell>
  const Cell& at(size_t row) const {
    return static_cast<const Cell*>(data)[row];
  }
  std::string_view text(size_t row) const { return at<TextCell>(row).view(); }
};

/// Rows column by column.
struct RowBatch {
  size_t rows = 0;
  std::span<const ColumnView> columns;
};

}  // namespace weir::server
