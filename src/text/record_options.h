#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/pipeline.h"
#include "text/content_version.h"

namespace weir::text {

/// How an input is cut into records. A plain value.
struct RecordOptions {
  Format format = Format::json;  ///< json or csv
  /// What the raw bytes are wrapped in. `automatic` counts as none: ask resolve_compression first.
  Compression compression = Compression::none;
  JsonLayout layout = JsonLayout::automatic;
  CsvDialect csv;
  /// CSV without header: how many fields a record has. In a file of one column a blank line is a
  /// record; in any other (and when this is 0) it is none.
  size_t columns = 0;
  uint64_t max_record_bytes =
      16u << 20;  ///< a longer record is broken, not buffered; at most 1 GiB

  /// How much is read at a time. Tests make it tiny; records do not depend on it, row keys do.
  size_t chunk_bytes = digest_block_bytes;
  bool digest = true;        ///< false: version() is not wanted
  bool count_lines = false;  ///< true: RecordBlock::first_line is filled in (costs a little)
};

/// The options of a read step for the object at `key` ("x.json.gz": gzip, "x.zst": zstd).
RecordOptions record_options(const ReadStep& step, std::string_view key);

/// `automatic` by the key's ending: .gz and .gzip, .zst and .zstd, else none.
Compression resolve_compression(Compression compression, std::string_view key);

/// A record's key within its input: grows with its position, whichever thread reads it.
constexpr uint64_t pack_row(uint64_t sequence, uint32_t index) { return sequence << 24 | index; }
constexpr uint64_t row_sequence(uint64_t row) { return row >> 24; }
constexpr uint32_t row_index(uint64_t row) { return row & 0xff'ffff; }

/// How much of a broken or rejected record's text is kept.
inline constexpr size_t raw_text_limit = 4096;

/// One record of a block.
struct RecordSlice {
  /// The record without blanks around it (JSON) or without its line end (CSV); at least 64 readable
  /// bytes follow. A broken record's text stops after raw_text_limit bytes. Lives as long as the
  /// block's content.
  std::string_view text;
  uint64_t offset = 0;           ///< of its first byte in the decompressed input
  uint64_t length = 0;           ///< in bytes; more than text.size() when that was cut
  uint32_t index = 0;            ///< within its block; pack_row(block.sequence(), index) is the row
  const char* broken = nullptr;  ///< why it cannot be read (static text), or nullptr
};

/// The values of RecordSlice::broken.
namespace broken {
inline constexpr const char* too_long = "longer than max_record_bytes";
inline constexpr const char* unterminated_quote = "quote is never closed";
inline constexpr const char* text_after_quote = "text after a closing quote";
inline constexpr const char* empty_element = "empty array element";
inline constexpr const char* truncated_array = "truncated JSON array";
inline constexpr const char* truncated_value = "truncated JSON value";
inline constexpr const char* text_after_array = "text after the end of the JSON array";
}  // namespace broken

}  // namespace weir::text
