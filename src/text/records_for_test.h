#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "io/memory_stream.h"
#include "text/csv_records.h"
#include "text/json_records.h"
#include "text/record_blocks.h"

namespace weir::text {

/// A record as tests compare it.
struct SeenRecord {
  uint64_t offset = 0;
  uint64_t length = 0;
  std::string text;
  std::string broken;               ///< empty: it is whole
  std::vector<std::string> fields;  ///< CSV, unescaped

  bool operator==(const SeenRecord&) const = default;
};

inline void PrintTo(const SeenRecord& record, std::ostream* out) {
  *out << record.offset << "+" << record.length << " '" << record.text.substr(0, 60) << "' "
       << record.broken;
  for (const std::string& field : record.fields) *out << " <" << field << ">";
}

struct SeenInput {
  std::vector<SeenRecord> records;
  std::vector<uint64_t> rows;
  std::vector<std::string> header;
  RecordLayout layout = RecordLayout::lines;
  std::string version;
  BlockIndex index;
};

template <class Records>
void see_block(const RecordBlock& block, SeenInput& seen, RecordBlocks& blocks) {
  Records records(block);
  RecordSlice record;
  while (records.next(record)) {
    SeenRecord one{record.offset,
                   record.length,
                   std::string(record.text),
                   record.broken == nullptr ? "" : record.broken,
                   {}};
    if constexpr (std::is_same_v<Records, CsvRecords>) {
      std::string scratch;
      for (const CsvField& field : records.fields()) {
        one.fields.emplace_back(records.value(field, scratch));
      }
    }
    seen.rows.push_back(pack_row(block.sequence(), record.index));
    seen.records.push_back(std::move(one));
  }
  blocks.digest(block);
  blocks.finish(block, records.count());
}

/// Reads all of it with one thread.
inline Result<SeenInput> see_all(io::ByteStream& stream, const RecordOptions& options) {
  SeenInput seen;
  RecordBlocks blocks(stream, options);
  RecordBlock block;
  uint64_t blocks_seen = 0;
  uint64_t end = 0;
  while (WEIR_TRY(blocks.next(block))) {
    WEIR_CHECK(block.sequence() == blocks_seen++, "blocks come in order");
    WEIR_CHECK(block.offset() >= end, "blocks do not overlap");
    end = block.offset() + blocks.index()[block.sequence()].length;
    if (options.format == Format::csv) {
      see_block<CsvRecords>(block, seen, blocks);
    } else {
      see_block<JsonRecords>(block, seen, blocks);
    }
  }
  seen.header = blocks.header();
  seen.layout = blocks.layout();
  seen.index = blocks.index();
  if (options.digest) seen.version = WEIR_TRY(blocks.version()).value();
  return seen;
}

inline Result<SeenInput> see_all(std::string_view text, const RecordOptions& options) {
  io::MemoryStream stream(text);
  return see_all(stream, options);
}

}  // namespace weir::text
