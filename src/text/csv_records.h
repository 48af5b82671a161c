#pragma once

#include <span>
#include <string>
#include <vector>

#include "text/record_block.h"

namespace weir::text {

struct CsvField {
  std::string_view text;  ///< without the quotes around it
  bool quoted = false;
  bool needs_unescape = false;  ///< holds escaped characters: see CsvRecords::value
};

/// The records of a block that came from CSV, one after the other, with their fields.
class CsvRecords {
 public:
  /// The block must not change while the cursor is used.
  explicit CsvRecords(const RecordBlock& block);

  /// False behind the last record.
  bool next(RecordSlice& record);
  /// More fields than any table has columns are counted, not kept.
  static constexpr size_t most_fields = 1u << 18;
  /// How many fields the record next() just gave has; 0 when it is broken. Whether these are too
  /// many or too few is not checked here.
  size_t field_count() const { return fields_not_kept_ + fields_.size(); }
  /// The fields themselves, when there are not more than most_fields. Valid until the next call.
  std::span<const CsvField> fields() const { return fields_; }
  /// The field's value; `scratch` is overwritten when it has to be unescaped.
  std::string_view value(const CsvField& field, std::string& scratch) const;
  /// How many next() gave.
  uint32_t count() const { return count_; }

 private:
  friend class RecordBlocks;
  enum class Ending { field, record, input };

  void start_at(size_t position);
  size_t next_mark();
  void load_marks();
  Ending read_field(size_t record_begin, const char*& broken);
  Ending read_quoted_field(const char*& broken);
  Ending end_at(size_t place);
  void skip_line();
  void give(RecordSlice& record, size_t begin, size_t length, const char* broken);

  const RecordBlock& block_;
  std::string_view data_;
  std::vector<CsvField> fields_;
  size_t fields_not_kept_ = 0;
  size_t position_ = 0;     // of the next field
  size_t content_end_ = 0;  // of the record that just ended, its line end left out
  size_t marks_begin_ = 0;  // the 64 bytes that marks_ is about
  uint64_t marks_ = 0;      // delimiters, line ends, quotes and escapes not yet passed
  size_t next_broken_ = 0;  // in block_.broken_
  uint32_t count_ = 0;
};

}  // namespace weir::text
