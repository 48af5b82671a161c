#pragma once

#include "text/record_block.h"

namespace weir::text {

/// The records of a block that came from JSON, one after the other. Only cuts: whether a record is
/// valid JSON is for its parser to say.
class JsonRecords {
 public:
  /// The block must not change while the cursor is used.
  explicit JsonRecords(const RecordBlock& block);

  /// False behind the last record.
  bool next(RecordSlice& record);
  /// How many next() gave.
  uint32_t count() const { return count_; }

 private:
  bool next_line(RecordSlice& record);
  bool next_between_ends(RecordSlice& record);
  bool next_broken(RecordSlice& record);
  void give(RecordSlice& record, size_t begin, uint64_t length, const char* broken);

  const RecordBlock& block_;
  std::string_view data_;
  size_t position_ = 0;
  size_t next_end_ = 0;     // in block_.ends_
  size_t next_broken_ = 0;  // in block_.broken_
  uint32_t count_ = 0;
};

}  // namespace weir::text
