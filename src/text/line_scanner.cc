#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "text/record_scanner.h"

namespace weir::text {
namespace {

// A line ends with its newline. Which lines are blank or too long, the cursor says.
class LineScanner final : public RecordScanner {
 public:
  explicit LineScanner(uint64_t max_record_bytes) : max_record_bytes_(max_record_bytes) {}

  Found scan(const char* input, size_t size, bool at_end) override {
    if (at_end) return {size > 0, size, nullptr};
    if (size <= looked_) return {};
    const void* newline = ::memrchr(input + looked_, '\n', size - looked_);
    looked_ = size;
    if (newline != nullptr) {
      return {true, static_cast<size_t>(static_cast<const char*>(newline) - input) + 1, nullptr};
    }
    if (size > max_record_bytes_) return {false, 0, broken::too_long};
    return {};
  }

  void take(size_t bytes, std::vector<uint32_t>&, std::vector<BrokenSpan>&) override {
    looked_ -= std::min(looked_, bytes);
  }

  Skipped skip(const char* input, size_t size, bool at_end) override {
    looked_ = 0;
    if (size == 0) return {0, at_end, 0};
    const void* newline = std::memchr(input, '\n', size);
    if (newline == nullptr) return {size, at_end, 0};
    return {static_cast<size_t>(static_cast<const char*>(newline) - input) + 1, true, 1};
  }

 private:
  uint64_t max_record_bytes_;
  size_t looked_ = 0;  // the last line's first bytes, known to hold no newline
};

}  // namespace

std::unique_ptr<RecordScanner> make_line_scanner(uint64_t max_record_bytes) {
  return std::make_unique<LineScanner>(max_record_bytes);
}

std::unique_ptr<RecordScanner> make_scanner(const RecordFormat& format) {
  switch (format.layout) {
    case RecordLayout::lines: return make_line_scanner(format.max_record_bytes);
    case RecordLayout::array: return make_array_scanner(format.max_record_bytes);
    case RecordLayout::values: return make_value_scanner(format.max_record_bytes);
    case RecordLayout::csv: return make_csv_scanner(format.csv, format.max_record_bytes);
  }
  WEIR_CHECK(false, "a layout without a scanner");
}

}  // namespace weir::text
