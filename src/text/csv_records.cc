#include "text/csv_records.h"

#include <algorithm>
#include <bit>

#include "text/byte_mask.h"

namespace weir::text {

CsvRecords::CsvRecords(const RecordBlock& block) : block_(block), data_(block.data()) {
  start_at(0);
}

void CsvRecords::start_at(size_t position) {
  position_ = position;
  marks_begin_ = position;
  load_marks();
}

void CsvRecords::load_marks() {
  if (marks_begin_ >= data_.size()) {
    marks_ = 0;
    return;
  }
  const CsvDialect& dialect = block_.format_->csv;
  const Bytes64 bytes(data_.data() + marks_begin_);
  marks_ = bytes.equal(dialect.delimiter) | bytes.equal('\n') | bytes.equal('\r');
  if (dialect.quote != '\0') {
    marks_ |= bytes.equal(dialect.quote);
    if (dialect.escape != dialect.quote && dialect.escape != '\0') {
      marks_ |= bytes.equal(dialect.escape);
    }
  }
  marks_ &= low_bits(data_.size() - marks_begin_);
}

// The next delimiter, line end, quote or escape, which is then passed; the size at the end.
inline size_t CsvRecords::next_mark() {
  while (marks_ == 0) {
    marks_begin_ += 64;
    if (marks_begin_ >= data_.size()) return data_.size();
    load_marks();
  }
  const size_t place = marks_begin_ + static_cast<size_t>(std::countr_zero(marks_));
  marks_ &= marks_ - 1;
  return place;
}

// Passes the mark at `place`, which ends a field.
inline CsvRecords::Ending CsvRecords::end_at(size_t place) {
  if (place >= data_.size()) {
    position_ = content_end_ = data_.size();
    return Ending::input;
  }
  const char mark = data_[place];
  position_ = place + 1;
  if (mark == block_.format_->csv.delimiter) return Ending::field;
  content_end_ = place;
  if (mark == '\r' && place + 1 < data_.size() && data_[place + 1] == '\n') {
    next_mark();
    position_ = place + 2;
  }
  return Ending::record;
}

void CsvRecords::skip_line() {
  size_t place = next_mark();
  while (place < data_.size() && data_[place] != '\n' && data_[place] != '\r') place = next_mark();
  end_at(place);
}

inline CsvRecords::Ending CsvRecords::read_field(size_t record_begin, const char*& broken) {
  const CsvDialect& dialect = block_.format_->csv;
  const size_t begin = position_;
  size_t place = next_mark();
  if (place == begin && place < data_.size() && dialect.quote != '\0' &&
      data_[place] == dialect.quote && begin - record_begin <= block_.format_->max_record_bytes) {
    return read_quoted_field(broken);
  }
  while (place < data_.size()) {
    const char mark = data_[place];
    if (mark == dialect.delimiter || mark == '\n' || mark == '\r') break;
    place = next_mark();  // a quote or an escape inside the field is text
  }
  fields_.push_back({data_.substr(begin, place - begin), false, false});
  return end_at(place);
}

// The opening quote has been passed.
CsvRecords::Ending CsvRecords::read_quoted_field(const char*& broken) {
  const CsvDialect& dialect = block_.format_->csv;
  const size_t begin = position_ + 1;
  bool needs_unescape = false;
  while (true) {
    const size_t place = next_mark();
    if (place >= data_.size()) {
      broken = broken::unterminated_quote;
      return end_at(place);
    }
    const char mark = data_[place];
    const char next = place + 1 < data_.size() ? data_[place + 1] : '\n';
    if (mark == dialect.escape && dialect.escape != '\0' && place + 1 < data_.size() &&
        (next == dialect.quote || next == dialect.escape)) {
      next_mark();
      needs_unescape = true;
    } else if (mark == dialect.quote) {
      fields_.push_back({data_.substr(begin, place - begin), true, needs_unescape});
      if (next != dialect.delimiter && next != '\n' && next != '\r') {
        broken = broken::text_after_quote;
        skip_line();
        return Ending::record;
      }
      return end_at(next_mark());
    }
  }
}

void CsvRecords::give(RecordSlice& record, size_t begin, size_t length, const char* broken) {
  record.text = data_.substr(begin, length);
  if (broken != nullptr) {
    record.text = record.text.substr(0, raw_text_limit);
    fields_.clear();
    fields_not_kept_ = 0;
  }
  record.offset = block_.offset() + begin;
  record.length = length;
  record.index = count_++;
  record.broken = broken;
}

bool CsvRecords::next(RecordSlice& record) {
  while (true) {
    fields_.clear();
    fields_not_kept_ = 0;
    const size_t begin = position_;
    if (next_broken_ < block_.broken_.size() && block_.broken_[next_broken_].begin == begin) {
      const BrokenSpan& span = block_.broken_[next_broken_++];
      give(record, begin, span.length, span.reason);
      start_at(std::min<size_t>(begin + span.length, data_.size()));
      if (position_ < data_.size()) skip_line();
      return true;
    }
    if (begin >= data_.size()) return false;
    const char* broken = nullptr;
    while (read_field(begin, broken) == Ending::field) {
      if (fields_.size() < most_fields) continue;
      fields_not_kept_ += most_fields;
      fields_.clear();
    }
    const size_t length = content_end_ - begin;
    if (length == 0 && !block_.format_->blank_line_is_record) continue;
    if (length > block_.format_->max_record_bytes) broken = broken::too_long;
    give(record, begin, length, broken);
    return true;
  }
}

std::string_view CsvRecords::value(const CsvField& field, std::string& scratch) const {
  if (!field.needs_unescape) return field.text;
  const CsvDialect& dialect = block_.format_->csv;
  scratch.clear();
  scratch.reserve(field.text.size());
  for (size_t at = 0; at < field.text.size(); ++at) {
    const bool escapes =
        field.text[at] == dialect.escape && at + 1 < field.text.size() &&
        (field.text[at + 1] == dialect.quote || field.text[at + 1] == dialect.escape);
    if (escapes) ++at;
    scratch += field.text[at];
  }
  return scratch;
}

}  // namespace weir::text
