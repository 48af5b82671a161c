#include "text/json_records.h"

#include <algorithm>
#include <cstring>

#include "text/json_blank.h"

namespace weir::text {

JsonRecords::JsonRecords(const RecordBlock& block) : block_(block), data_(block.data()) {}

bool JsonRecords::next(RecordSlice& record) {
  const bool found =
      block_.format_->layout == RecordLayout::lines ? next_line(record) : next_between_ends(record);
  return found || next_broken(record);
}

void JsonRecords::give(RecordSlice& record, size_t begin, uint64_t length, const char* broken) {
  record.text = data_.substr(begin, length);
  if (broken != nullptr) record.text = record.text.substr(0, raw_text_limit);
  record.offset = block_.offset() + begin;
  record.length = length;
  record.index = count_++;
  record.broken = broken;
}

bool JsonRecords::next_line(RecordSlice& record) {
  // A block that is one passed-over record holds only that record's beginning.
  if (!block_.broken_.empty()) return false;
  while (position_ < data_.size()) {
    const size_t begin = position_;
    const void* newline = std::memchr(data_.data() + begin, '\n', data_.size() - begin);
    const size_t end = newline == nullptr
                           ? data_.size()
                           : static_cast<size_t>(static_cast<const char*>(newline) - data_.data());
    position_ = end + 1;
    if (end - begin > block_.format_->max_record_bytes) {
      give(record, begin, end - begin, broken::too_long);
      return true;
    }
    const std::string_view text = trim_blanks(data_.substr(begin, end - begin));
    if (text.empty()) continue;
    give(record, static_cast<size_t>(text.data() - data_.data()), text.size(), nullptr);
    return true;
  }
  return false;
}

bool JsonRecords::next_between_ends(RecordSlice& record) {
  if (next_end_ == block_.ends_.size()) return false;
  const bool in_array = block_.format_->layout == RecordLayout::array;
  const size_t end = block_.ends_[next_end_++];
  size_t begin = position_;
  position_ = in_array ? end + 1 : end;
  if (!in_array) {
    while (begin < end && is_json_blank(data_[begin])) ++begin;
  }
  if (end - begin > block_.format_->max_record_bytes) {
    give(record, begin, end - begin, broken::too_long);
    return true;
  }
  const std::string_view text = trim_blanks(data_.substr(begin, end - begin));
  if (text.empty()) {
    give(record, end, 0, broken::empty_element);
  } else {
    give(record, static_cast<size_t>(text.data() - data_.data()), text.size(), nullptr);
  }
  return true;
}

bool JsonRecords::next_broken(RecordSlice& record) {
  if (next_broken_ == block_.broken_.size()) return false;
  const BrokenSpan& span = block_.broken_[next_broken_++];
  give(record, span.begin, span.length, span.reason);
  return true;
}

}  // namespace weir::text
