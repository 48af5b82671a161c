#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "text/byte_mask.h"
#include "text/record_scanner.h"

namespace weir::text {
namespace {

// After so many quotes that are never closed, close together, no more single lines are tried:
// otherwise an input could have every line looked through up to max_record_bytes.
constexpr int most_retries = 16;

struct LineEnd {
  size_t at;    // of its first byte, or of the input's end
  size_t next;  // behind it
};

// The first line end at or behind `from`. None: more input is needed to tell.
std::optional<LineEnd> find_line_end(const char* input, size_t from, size_t size, bool at_end) {
  size_t at = from;
  for (; at < size; at += 64) {
    const Bytes64 bytes(input + at);
    const uint64_t ends = (bytes.equal('\n') | bytes.equal('\r')) & low_bits(size - at);
    if (ends == 0) continue;
    at += static_cast<size_t>(std::countr_zero(ends));
    if (input[at] == '\n') return LineEnd{at, at + 1};
    if (at + 1 < size) return LineEnd{at, at + (input[at + 1] == '\n' ? 2 : 1)};
    if (at_end) return LineEnd{at, at + 1};
    return std::nullopt;
  }
  if (at_end) return LineEnd{size, size};
  return std::nullopt;
}

// Only quotes decide which line ends are record ends, so only at quotes does it stop to think. A
// byte is looked at when the one behind it is known, too.
class CsvScanner final : public RecordScanner {
 public:
  CsvScanner(const CsvDialect& dialect, uint64_t max_record_bytes)
      : dialect_(dialect), max_record_bytes_(max_record_bytes) {}

  Found scan(const char* input, size_t size, bool at_end) override {
    input_ = input;
    size_ = size;
    at_end_ = at_end;
    while (true) {
      advance();
      if (!in_quotes_ || !(at_end || too_long())) break;
      if (!break_quote()) break;
    }
    if (at_end && size > 0 && !in_quotes_) return {true, size, nullptr};
    if (record_begin_ > 0) return {true, record_begin_, nullptr};
    if (!too_long()) return {};
    if (in_quotes_) {
      skip_from_ = count_failure();
      return {false, 0, broken::unterminated_quote};
    }
    skip_from_ = position_ - (in_line_end() ? 1 : 0);  // there may be quoted line ends before
    return {false, 0, broken::too_long};
  }

  void take(size_t bytes, std::vector<uint32_t>&, std::vector<BrokenSpan>& broken) override {
    broken.swap(broken_);
    broken_.clear();
    position_ -= std::min(position_, bytes);
    record_begin_ -= std::min(record_begin_, bytes);
    taken_ += bytes;
  }

  Skipped skip(const char* input, size_t size, bool at_end) override {
    const size_t from = std::min(skip_from_, size);
    const auto end = find_line_end(input, from, size, at_end);
    // A last \r stays until what is behind it is known.
    const bool cr_waits = !end && size > from && input[size - 1] == '\r';
    const size_t gone = end ? end->next : size - (cr_waits ? 1 : 0);
    taken_ += gone;
    skip_from_ -= std::min(skip_from_, gone);
    if (!end) return {gone, false, 0};
    position_ = record_begin_ = 0;
    in_quotes_ = ignoring_quotes_ = false;
    return {gone, true, end->next - end->at};
  }

 private:
  bool too_long() const {
    const size_t length = position_ - record_begin_;
    if (length <= max_record_bytes_) return false;
    return in_quotes_ || length - (in_line_end() ? 1 : 0) > max_record_bytes_;
  }

  // Outside quotes: half a \r\n has been looked at, which does not belong to the record.
  bool in_line_end() const { return position_ > 0 && input_[position_ - 1] == '\r'; }

  // Looks at all whose next byte is known, or until a quoted field turns out too long.
  void advance() {
    const size_t stop = at_end_ ? size_ : size_ - std::min<size_t>(size_, 1);
    while (position_ < stop) {
      const size_t count = std::min<size_t>(64, stop - position_);
      if (!look_at(Bytes64(input_ + position_), count)) return;
      if (in_quotes_ && too_long()) return;
    }
  }

  // One stretch of up to 64 bytes from position_. False: a quoted field ended, but too late.
  bool look_at(const Bytes64& bytes, size_t count) {
    const uint64_t valid = low_bits(count);
    uint64_t marks = 0;
    if (dialect_.quote != '\0') marks = bytes.equal(dialect_.quote);
    if (has_own_escape()) marks |= bytes.equal(dialect_.escape);
    marks &= valid;
    if (marks == 0 && in_quotes_) {
      position_ += count;
      return true;
    }
    uint64_t line_ends = record_ends(bytes, count) & valid;
    const size_t begin = position_;
    size_t next = begin + count;
    while (marks != 0) {
      const int bit = std::countr_zero(marks);
      const size_t place = begin + static_cast<size_t>(bit);
      marks &= marks - 1;
      if (in_quotes_) {
        if (is_escape_pair(place)) {
          marks &= ~low_bits(static_cast<size_t>(bit) + 2);
          next = std::max(next, place + 2);
        } else if (input_[place] == dialect_.quote) {
          if (place - record_begin_ >= max_record_bytes_) {
            position_ = place + 1;
            return false;
          }
          close_quote(place);
          line_ends &= ~low_bits(static_cast<size_t>(bit));
        }
      } else {
        note_line_ends(line_ends & low_bits(static_cast<size_t>(bit)), begin);
        line_ends &= ~low_bits(static_cast<size_t>(bit));
        if (opens_field(place)) in_quotes_ = true;
      }
    }
    if (!in_quotes_) note_line_ends(line_ends, begin);
    position_ = next;
    return true;
  }

  // The bytes that are the last one of a line end.
  uint64_t record_ends(const Bytes64& bytes, size_t count) const {
    const uint64_t newlines = bytes.equal('\n');
    const uint64_t returns = bytes.equal('\r');
    if (returns == 0) return newlines;
    const size_t behind = position_ + count;
    const bool newline_behind = behind < size_ && input_[behind] == '\n';
    const uint64_t newline_next =
        (newlines & low_bits(count)) >> 1 | static_cast<uint64_t>(newline_behind) << (count - 1);
    return newlines | (returns & ~newline_next);
  }

  void note_line_ends(uint64_t line_ends, size_t begin) {
    if (line_ends == 0) return;
    record_begin_ = begin + static_cast<size_t>(std::bit_width(line_ends));
    ignoring_quotes_ = false;
  }

  bool has_own_escape() const {
    return dialect_.quote != '\0' && dialect_.escape != dialect_.quote && dialect_.escape != '\0';
  }

  // An escape character and what it escapes: only a quote or an escape character can be escaped.
  bool is_escape_pair(size_t place) const {
    if (input_[place] != dialect_.escape || dialect_.escape == '\0' || place + 1 >= size_) {
      return false;
    }
    return input_[place + 1] == dialect_.quote || input_[place + 1] == dialect_.escape;
  }

  bool opens_field(size_t place) const {
    return !ignoring_quotes_ && input_[place] == dialect_.quote &&
           place - record_begin_ <= max_record_bytes_ &&
           (place == record_begin_ || input_[place - 1] == dialect_.delimiter);
  }

  void close_quote(size_t place) {
    in_quotes_ = false;
    if (place + 1 >= size_) return;
    const char next = input_[place + 1];
    ignoring_quotes_ = next != dialect_.delimiter && next != '\n' && next != '\r';
  }

  // The record at record_begin_ has a quote that is not closed in time: gives where the line end
  // that ends it is to be looked for.
  size_t failure_end() const {
    const uint64_t record = taken_ + record_begin_;
    if (record >= window_end_ || failures_ < most_retries) return record_begin_;
    return static_cast<size_t>(window_end_ - taken_);
  }
  size_t count_failure() {
    const size_t end = failure_end();
    const uint64_t record = taken_ + record_begin_;
    if (record >= window_end_) {
      window_end_ = record + max_record_bytes_;
      failures_ = 0;
    }
    ++failures_;
    return end;
  }

  // Makes the unclosed record's first line a broken one. False: that line's end is not there yet.
  bool break_quote() {
    const auto end = find_line_end(input_, std::min(failure_end(), size_), size_, at_end_);
    if (!end) return false;
    count_failure();
    broken_.push_back({record_begin_, end->at - record_begin_, broken::unterminated_quote});
    record_begin_ = position_ = end->next;
    in_quotes_ = ignoring_quotes_ = false;
    return true;
  }

  CsvDialect dialect_;
  uint64_t max_record_bytes_;
  const char* input_ = nullptr;
  size_t size_ = 0;
  bool at_end_ = false;

  uint64_t taken_ = 0;       // bytes taken or dropped: turns places into places in the input
  size_t position_ = 0;      // looked at up to here
  size_t record_begin_ = 0;  // of the record that position_ is in
  bool in_quotes_ = false;
  bool ignoring_quotes_ = false;  // behind text after a closing quote, until the line ends
  uint64_t window_end_ = 0;       // in the input: failures before it are counted together
  int failures_ = 0;
  size_t skip_from_ = 0;
  std::vector<BrokenSpan> broken_;
};

}  // namespace

std::unique_ptr<RecordScanner> make_csv_scanner(const CsvDialect& dialect,
                                                uint64_t max_record_bytes) {
  return std::make_unique<CsvScanner>(dialect, max_record_bytes);
}

}  // namespace weir::text
