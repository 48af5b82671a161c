#pragma once

#include <bit>
#include <string_view>

#include "text/byte_mask.h"

namespace weir::text {

/// Counts the lines that end in bytes that come in pieces: \n, \r\n and a \r alone each end one.
class LineCounter {
 public:
  /// At least 63 readable bytes must follow `bytes`.
  void add(std::string_view bytes) {
    for (size_t at = 0; at < bytes.size(); at += 64) {
      const size_t count = bytes.size() - at < 64 ? bytes.size() - at : 64;
      const Bytes64 block(bytes.data() + at);
      const uint64_t returns = block.equal('\r') & low_bits(count);
      const uint64_t newlines = block.equal('\n') & low_bits(count);
      const uint64_t second_of_pair = returns << 1 | static_cast<uint64_t>(after_return_);
      lines_ +=
          static_cast<uint64_t>(std::popcount(returns) + std::popcount(newlines & ~second_of_pair));
      after_return_ = (returns >> (count - 1) & 1) != 0;
    }
  }

  uint64_t lines() const { return lines_; }

 private:
  uint64_t lines_ = 0;
  bool after_return_ = false;
};

}  // namespace weir::text
