#include <algorithm>
#include <bit>
#include <string_view>

#include "text/byte_mask.h"
#include "text/json_blank.h"
#include "text/json_element_walker.h"
#include "text/record_scanner.h"

namespace weir::text {
namespace {

// 64 bytes of JSON: which of them are structure. Strings and escapes go on from one call to the
// next.
class JsonMasker {
 public:
  struct Masks {
    Bytes64 bytes;
    uint64_t valid;    // the bytes that exist
    uint64_t outside;  // of those, the ones outside strings; an opening quote counts as inside
    uint64_t open;     // '{' and '[' outside strings
    uint64_t close;    // '}' and ']' outside strings

    uint64_t comma() const { return bytes.equal(',') & outside; }
    uint64_t blank() const {
      return (bytes.equal(' ') | bytes.equal('\n') | bytes.equal('\r') | bytes.equal('\t')) &
             outside;
    }
  };

  Masks next(const char* data, size_t count) {
    const Bytes64 bytes(data);
    const uint64_t valid = low_bits(count);
    const uint64_t quotes = bytes.equal('"') & valid & ~escaped(bytes.equal('\\') & valid);
    const uint64_t inside = prefix_xor(quotes) ^ inside_before_;
    inside_before_ = static_cast<uint64_t>(static_cast<int64_t>(inside) >> 63);
    const uint64_t outside = ~inside & valid;
    return {bytes, valid, outside, bytes.equal_with_bit_0x20('{') & outside,
            bytes.equal_with_bit_0x20('}') & outside};
  }

  bool in_string() const { return inside_before_ != 0; }

 private:
  // The bytes behind a backslash that is not escaped itself: a run of backslashes escapes what is
  // behind it when it is odd. Adding a run's first bit to the run carries to the bit behind it.
  uint64_t escaped(uint64_t backslashes) {
    if (backslashes == 0) {
      const uint64_t first = escaped_before_;
      escaped_before_ = 0;
      return first;
    }
    constexpr uint64_t odd_bits = 0xaaaa'aaaa'aaaa'aaaa;
    const uint64_t starts = backslashes & ~escaped_before_;
    const uint64_t run_ends = ((starts << 1) | odd_bits) - starts;
    const uint64_t escapes_and_ends = run_ends ^ odd_bits;
    const uint64_t result = escapes_and_ends ^ (backslashes | escaped_before_);
    escaped_before_ = (escapes_and_ends & backslashes) >> 63;
    return result;
  }

  uint64_t inside_before_ = 0;   // all ones: the last byte was inside a string
  uint64_t escaped_before_ = 0;  // 1: the next byte is escaped
};

constexpr uint64_t from_bit(int bit) { return bit >= 64 ? 0 : ~uint64_t{0} << bit; }

// What arrays and free-standing values have in common: going through the input 64 bytes at a time,
// which is all or nothing because the masker cannot go back.
class StructureScanner : public RecordScanner {
 public:
  explicit StructureScanner(uint64_t max_record_bytes) : max_record_bytes_(max_record_bytes) {}

  void take(size_t bytes, std::vector<uint32_t>& ends, std::vector<BrokenSpan>& broken) override {
    ends.swap(ends_);
    broken.swap(broken_);
    ends_.clear();
    broken_.clear();
    position_ -= bytes;
    taken(bytes);
  }

 protected:
  // Looks at what has come; stops early when `stop_at_end` and a record's end was found.
  void advance(const char* input, size_t size, bool at_end, bool stop_at_end) {
    while (position_ < size && !complete() && !(stop_at_end && !ends_.empty())) {
      const size_t count = std::min<size_t>(64, size - position_);
      if (count < 64 && !at_end) break;
      const JsonMasker::Masks masks = masker_.next(input + position_, count);
      const int closes = std::popcount(masks.close);
      if (depth_ > closes) {
        depth_ += std::popcount(masks.open) - closes;  // cannot come back to the top in here
      } else {
        if (!walk(masks, input)) return;
      }
      position_ += count;
    }
  }

  // False: it has set position_ itself, and this is not the way to go on.
  virtual bool walk(const JsonMasker::Masks& masks, const char* input) = 0;
  virtual bool complete() const { return false; }
  virtual void taken(size_t bytes) = 0;

  // Follows the brackets from bit `at` until the top is reached again; gives the bit behind that,
  // or 64.
  int walk_nested(const JsonMasker::Masks& masks, int at) {
    uint64_t brackets = (masks.open | masks.close) & from_bit(at);
    while (brackets != 0) {
      const int bit = std::countr_zero(brackets);
      brackets &= brackets - 1;
      depth_ += (masks.open >> bit & 1) != 0 ? 1 : -1;
      if (depth_ == 0) return bit + 1;
    }
    return 64;
  }

  uint64_t max_record_bytes_;
  JsonMasker masker_;
  size_t position_ = 0;  // looked through up to here
  int64_t depth_ = 0;    // 0: not inside any record's brackets
  std::vector<uint32_t> ends_;
  std::vector<BrokenSpan> broken_;
};

// Elements are cut by their brackets alone, which is quick, until one of them is not closed in
// time: from there on an ElementWalker cuts them.
class ArrayScanner final : public StructureScanner {
 public:
  using StructureScanner::StructureScanner;

  Found scan(const char* input, size_t size, bool at_end) override {
    if (closed_) return behind_array(input, size);
    if (!damaged_) advance(input, size, at_end, false);
    const bool too_long = ends_.empty() && position_ > max_record_bytes_;
    if (!damaged_ && !closed_ && (at_end || too_long)) cut_damaged(input, size);
    if (damaged_) advance_in_damaged(input, size, false);
    if (closed_) return {true, closed_at_, nullptr};
    if (at_end) return cut_short(input, size);
    if (!ends_.empty()) return {true, element_begin(), nullptr};
    // The walker tells an end by the byte behind it.
    if (position_ > max_record_bytes_ + (damaged_ ? 1 : 0)) return {false, 0, broken::too_long};
    return {};
  }

  Skipped skip(const char* input, size_t size, bool at_end) override {
    if (closed_) return skip_to_end(input, size, at_end);
    skipping_ = true;
    if (damaged_) {
      advance_in_damaged(input, size, true);
    } else {
      advance(input, size, at_end, true);
    }
    if (ends_.empty() && !next_begun_) {
      const size_t gone = position_;
      position_ = 0;
      return {gone, at_end && gone == size, 0};
    }
    skipping_ = false;
    if (next_begun_) {
      next_begun_ = false;
      const size_t gone = position_;
      walker_.begin_element();
      position_ = 0;
      return {gone, true, 1};
    }
    const size_t gone = ends_.front() + size_t{1};
    ends_.erase(ends_.begin());
    for (uint32_t& end : ends_) end -= static_cast<uint32_t>(gone);
    position_ -= gone;
    if (closed_) closed_at_ -= gone;
    return {gone, true, 1};
  }

 private:
  bool complete() const override { return closed_; }
  void taken(size_t) override {
    // What stands behind the array is not looked through yet.
    if (closed_) position_ = closed_at_ = 0;
  }
  size_t element_begin() const { return ends_.empty() ? 0 : ends_.back() + size_t{1}; }

  bool walk(const JsonMasker::Masks& masks, const char* input) override {
    const uint64_t marks = masks.open | masks.close | masks.comma();
    int at = depth_ > 0 ? walk_nested(masks, 0) : 0;
    for (uint64_t rest; (rest = marks & from_bit(at)) != 0;) {
      const int bit = std::countr_zero(rest);
      const size_t place = position_ + static_cast<size_t>(bit);
      at = bit + 1;
      if ((masks.open >> bit & 1) != 0) {
        depth_ = 1;
        at = walk_nested(masks, at);
        continue;
      }
      if (input[place] == '}') continue;
      if (ends_too_late(place) && cut_damaged(input, place)) return false;
      if (input[place] == ']') {
        close_array(input, place);
        return true;
      }
      ends_.push_back(static_cast<uint32_t>(place));
      seen_comma_ = true;
    }
    return true;
  }

  // Of an element whose beginning is still there.
  bool ends_too_late(size_t place) const {
    return place - element_begin() > max_record_bytes_ && !(skipping_ && ends_.empty());
  }

  // An element that is not closed within max_record_bytes_, or at all: when it is damaged, cuts it
  // where the walker says, and hands over to it.
  bool cut_damaged(const char* input, size_t size) {
    const size_t begin = element_begin();
    const auto stop = static_cast<size_t>(std::min<uint64_t>(size, begin + max_record_bytes_ + 1));
    walker_.begin_element();
    for (size_t at = begin; at < stop; ++at) {
      if (!look(input, at)) continue;
      damaged_ = true;
      return true;
    }
    return false;
  }

  // Goes on at `at` with the walker; whether the element ends, which sets position_ behind it.
  bool look(const char* input, size_t at) {
    position_ = damaged_ ? at + 1 : position_;
    switch (walker_.look(input[at])) {
      case ElementWalker::Step::going: return false;
      case ElementWalker::Step::closed:
        close_array(input, at);
        position_ = at + 1;
        return true;
      case ElementWalker::Step::ended: end_element(at); return true;
      case ElementWalker::Step::broken: break;
    }
    if (skipping_ && ends_.empty()) {
      next_begun_ = true;  // what is before it may be gone already
      position_ = at;
    } else {
      end_element(at - 1);
    }
    return true;
  }

  void end_element(size_t separator) {
    ends_.push_back(static_cast<uint32_t>(separator));
    seen_comma_ = true;
    position_ = separator + 1;
    walker_.begin_element();
  }

  void advance_in_damaged(const char* input, size_t size, bool stop_at_end) {
    while (position_ < size && !closed_) {
      if (look(input, position_) && stop_at_end) return;
    }
  }

  void close_array(const char* input, size_t place) {
    const size_t begin = element_begin();
    const bool skipped_before = skipping_ && ends_.empty();
    // "[]" has no element, "[1,]" has an empty one.
    if (seen_comma_ || skipped_before || !trim_blanks({input + begin, place - begin}).empty()) {
      ends_.push_back(static_cast<uint32_t>(place));
    }
    closed_ = true;
    closed_at_ = place + 1;
  }

  // The input ends inside the array: what is whole is given, and one broken record says so.
  Found cut_short(const char* input, size_t size) {
    if (reported_cut_) return {};
    reported_cut_ = true;
    const size_t begin = element_begin();
    const std::string_view rest = trim_blanks({input + begin, size - begin});
    const bool at_top = damaged_ ? walker_.at_top() : depth_ == 0 && !masker_.in_string();
    const bool whole =
        at_top && !rest.empty() && (rest.back() == '}' || rest.back() == ']' || rest.back() == '"');
    if (size - begin > max_record_bytes_) {
      broken_.push_back({begin, size - begin, broken::too_long});
    } else if (!whole && !rest.empty()) {
      broken_.push_back(
          {static_cast<size_t>(rest.data() - input), rest.size(), broken::truncated_array});
      return {true, size, nullptr};
    } else if (whole) {
      ends_.push_back(static_cast<uint32_t>(size));
    }
    broken_.push_back({size, 0, broken::truncated_array});
    return {true, size, nullptr};
  }

  // Behind the ']': blanks are dropped, anything else is one broken record up to the end.
  Found behind_array(const char* input, size_t size) {
    if (!ends_.empty() || closed_at_ > 0) return {true, closed_at_, nullptr};
    size_t blanks = 0;
    while (blanks < size && is_json_blank(input[blanks])) ++blanks;
    if (blanks > 0) return {true, blanks, nullptr};
    if (size > 0) return {false, 0, broken::text_after_array};
    return {};
  }

  Skipped skip_to_end(const char* input, size_t size, bool at_end) {
    const std::string_view text = trim_blanks({input, size});
    if (text.empty()) {
      trailing_blanks_ += size;
    } else {
      trailing_blanks_ = static_cast<size_t>(input + size - (text.data() + text.size()));
    }
    return {size, at_end, trailing_blanks_};
  }

  ElementWalker walker_;
  bool damaged_ = false;     // the walker cuts, from position_ on
  bool next_begun_ = false;  // while skipping: the next element was found at position_
  bool seen_comma_ = false;
  bool skipping_ = false;      // the current element is not kept
  bool closed_ = false;        // the array's ']' was seen …
  size_t closed_at_ = 0;       // … just before this place
  bool reported_cut_ = false;  // the missing ']' was reported
  size_t trailing_blanks_ = 0;
};

class ValueScanner final : public StructureScanner {
 public:
  using StructureScanner::StructureScanner;

  Found scan(const char* input, size_t size, bool at_end) override {
    advance(input, size, at_end, false);
    if (at_end && size > 0) return finish(input, size);
    const size_t kept_from = in_value() ? value_begin_ : position_;
    if (kept_from > 0) return {true, kept_from, nullptr};
    if (position_ > max_record_bytes_) return {false, 0, broken::too_long};
    return {};
  }

  Skipped skip(const char* input, size_t size, bool at_end) override {
    advance(input, size, at_end, true);
    if (ends_.empty()) {
      const size_t gone = position_;
      position_ = 0;
      const bool done = at_end && gone == size;
      if (done) end_value();
      return {gone, done, 0};
    }
    const size_t gone = ends_.front();
    ends_.erase(ends_.begin());
    for (uint32_t& end : ends_) end -= static_cast<uint32_t>(gone);
    position_ -= gone;
    value_begin_ -= std::min(value_begin_, gone);
    return {gone, true, 0};
  }

 private:
  bool in_value() const { return depth_ > 0 || in_token_; }
  void taken(size_t bytes) override { value_begin_ -= std::min(value_begin_, bytes); }
  void end_value() {
    depth_ = 0;
    in_token_ = false;
  }

  // At the top, a value in brackets starts with its bracket, and a token (a number, a string,
  // garbage) goes on to the next blank or opening bracket.
  bool walk(const JsonMasker::Masks& masks, const char*) override {
    const uint64_t blank = masks.blank();
    int at = 0;
    while (at < 64) {
      if (depth_ > 0) {
        at = walk_nested(masks, at);
        if (depth_ == 0) ends_.push_back(place(at));
        continue;
      }
      const uint64_t stops = in_token_ ? blank | masks.open : masks.valid & ~blank;
      const uint64_t rest = stops & from_bit(at);
      if (rest == 0) break;
      at = std::countr_zero(rest);
      if (in_token_) {
        ends_.push_back(place(at));
        in_token_ = false;
        continue;
      }
      value_begin_ = place(at);
      if ((masks.open >> at & 1) != 0) {
        depth_ = 1;
      } else {
        in_token_ = true;
      }
      ++at;
    }
    return true;
  }

  uint32_t place(int bit) const {
    return static_cast<uint32_t>(position_ + static_cast<size_t>(bit));
  }

  Found finish(const char* input, size_t size) {
    if (depth_ > 0 || masker_.in_string()) {
      const size_t length = size - value_begin_;
      const size_t trimmed = trim_blanks({input + value_begin_, length}).size();
      if (length > max_record_bytes_) {
        broken_.push_back({value_begin_, length, broken::too_long});
      } else {
        broken_.push_back({value_begin_, trimmed, broken::truncated_value});
      }
    } else if (in_token_) {
      ends_.push_back(static_cast<uint32_t>(size));
    }
    end_value();
    return {true, size, nullptr};
  }

  bool in_token_ = false;
  size_t value_begin_ = 0;  // of the value that position_ is inside of
};

}  // namespace

std::unique_ptr<RecordScanner> make_array_scanner(uint64_t max_record_bytes) {
  return std::make_unique<ArrayScanner>(max_record_bytes);
}

std::unique_ptr<RecordScanner> make_value_scanner(uint64_t max_record_bytes) {
  return std::make_unique<ValueScanner>(max_record_bytes);
}

}  // namespace weir::text
