#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "text/record_block.h"

namespace weir::text {

/// Finds where records end in an input that grows at its end and is taken away at its front. All
/// positions count from the first byte not yet taken. Remembers how far it has looked, so that no
/// byte is looked at twice for being part of a long record.
class RecordScanner {
 public:
  struct Found {
    bool deliver = false;  ///< hand out the first `bytes` bytes: call take()
    size_t bytes = 0;
    const char* pass_over =
        nullptr;  ///< the first record is broken and not to be kept: call skip()
  };
  struct Skipped {
    size_t bytes = 0;      ///< to be dropped now
    bool done = false;     ///< the record has ended
    size_t separator = 0;  ///< when done: how many of all dropped bytes lie behind the record
  };

  virtual ~RecordScanner() = default;

  /// Looks through `size` bytes, of which the first ones are those of the last call. `at_end`: no
  /// more will come. Neither deliver nor pass_over: more bytes are needed, or at the end: all done.
  virtual Found scan(const char* input, size_t size, bool at_end) = 0;
  /// What scan() found in `bytes` goes into the block's lists; those bytes are gone.
  virtual void take(size_t bytes, std::vector<uint32_t>& ends, std::vector<BrokenSpan>& broken) = 0;
  /// After pass_over, again and again until done; each call sees what the last one did not drop.
  virtual Skipped skip(const char* input, size_t size, bool at_end) = 0;
};

std::unique_ptr<RecordScanner> make_line_scanner(uint64_t max_record_bytes);
/// `input` starts behind the array's '['.
std::unique_ptr<RecordScanner> make_array_scanner(uint64_t max_record_bytes);
std::unique_ptr<RecordScanner> make_value_scanner(uint64_t max_record_bytes);
/// `input` starts with a record.
std::unique_ptr<RecordScanner> make_csv_scanner(const CsvDialect& dialect,
                                                uint64_t max_record_bytes);

std::unique_ptr<RecordScanner> make_scanner(const RecordFormat& format);

}  // namespace weir::text
