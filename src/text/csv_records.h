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
  /// The fields of the record next() just gave; none when it is broken. Valid until the next call.
  /// How many there are is not checked here.
  std::span<const CsvField> fields() const { return fields_; }
  /// The field's value; `scratch` is overwritten when it has to be unescaped.
  std::string_view value(const CsvField& field, std::string& scratch) const;
  /// How many next() gave.
  uint32_t count() const { return count_; }

 private:
  struct Masks;
  void give(RecordSlice& record, size_t begin, size_t end, const char* broken);

  const RecordBlock& block_;
  std::string_view data_;
  std::vector<CsvField> fields_;
  size_t position_ = 0;
  size_t next_broken_ = 0;  // in block_.broken_
  uint32_t count_ = 0;
};

}  // namespace weir::text
