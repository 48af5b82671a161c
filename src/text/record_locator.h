#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "text/record_blocks.h"

namespace weir::text {

/// Where a record stands in its input. Valid during the visit.
struct LocatedRecord {
  uint64_t row = 0;      ///< as packed by pack_row
  uint64_t element = 0;  ///< ordinal among all records, from 1
  uint64_t line = 0;     ///< its first byte is on this line, from 1 (\n, \r\n and \r end one)
  uint64_t byte_begin = 0, byte_end = 0;  ///< in the decompressed input, end exclusive
  std::string_view raw;                   ///< its text, at most raw_text_limit bytes
  const char* broken = nullptr;           ///< as RecordSlice::broken
};

/// Reads the input a second time and visits the records `rows` (sorted, each once), in that order.
/// `fresh` is the same input from its start; `options` and `index` are those of the first reading.
/// Linear in the input up to the last row, memory as RecordBlocks.
/// Errors: as RecordBlocks::next(); input_changed (the records are not where they were).
Result<void> locate_records(io::ByteStream& fresh, const RecordOptions& options,
                            const BlockIndex& index, std::span<const uint64_t> rows,
                            const std::function<void(const LocatedRecord&)>& visit);

/// A record with memory of its own.
struct FoundRecord {
  uint64_t line = 0;
  uint64_t byte_begin = 0, byte_end = 0;
  std::string raw;  ///< at most raw_text_limit bytes
};

/// Reads an input from its start up to its `element`-th record (from 1).
/// Errors: as RecordBlocks::next(); not_found (it has fewer).
Result<FoundRecord> find_record(io::ByteStream& fresh, const RecordOptions& options,
                                uint64_t element);

}  // namespace weir::text
