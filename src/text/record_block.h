#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "text/record_options.h"

namespace weir::text {

/// What RecordBlocks found out about its input; the cursors need it.
enum class RecordLayout {
  lines,   ///< one JSON value per line
  array,   ///< elements of one JSON array
  values,  ///< JSON values one after the other, over any number of lines
  csv,
};

struct RecordFormat {
  RecordLayout layout = RecordLayout::lines;
  CsvDialect csv;
  bool blank_line_is_record = false;
  uint64_t max_record_bytes = 0;
};

/// Memory that is not cleared when it grows, and always has `padding` readable bytes behind.
class BlockBuffer {
 public:
  static constexpr size_t padding = 64;

  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  /// Makes room for `capacity` bytes; keeps the first size() ones.
  void reserve(size_t capacity);
  void resize(size_t size);  ///< within the capacity; new bytes are not set
  void append(std::string_view bytes);
  void drop_front(size_t count);
  /// Empties it, and gives memory back when it has far more than `expected` bytes.
  void clear(size_t expected);

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

/// A broken record that only who reads the whole input can tell.
struct BrokenSpan {
  size_t begin = 0;     ///< in the block's data
  uint64_t length = 0;  ///< may reach beyond the block's data
  const char* reason = nullptr;
};

/// A run of whole records, with the memory they lie in. Hand the same object to
/// RecordBlocks::next() again and again to reuse that memory. Read it with JsonRecords or
/// CsvRecords. Must not be used after its RecordBlocks is gone.
class RecordBlock {
 public:
  uint64_t sequence() const { return sequence_; }  ///< 0, 1, 2, … in input order
  uint64_t offset() const { return offset_; }      ///< of data()[0] in the decompressed input
  /// Records and what separates them; at least 64 readable bytes follow.
  std::string_view data() const { return {buffer_.data(), data_bytes_}; }
  /// The line data()[0] is on, from 1; 0 unless RecordOptions::count_lines.
  uint64_t first_line() const { return first_line_; }

 private:
  friend class RecordBlocks;
  friend class JsonRecords;
  friend class CsvRecords;

  BlockBuffer buffer_;
  size_t data_bytes_ = 0;
  uint64_t sequence_ = 0;
  uint64_t offset_ = 0;
  uint64_t first_line_ = 0;
  const RecordFormat* format_ = nullptr;
  std::vector<uint32_t> ends_;      // array: at each separator; values: behind each value
  std::vector<BrokenSpan> broken_;  // by begin
  size_t raw_begin_ = 0;            // in buffer_: the raw bytes still to be digested
  size_t raw_bytes_ = 0;
  uint64_t raw_digest_block_ = 0;  // number of the first of them
};

}  // namespace weir::text
