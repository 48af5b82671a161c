#pragma once

#include <cstdint>
#include <string_view>

namespace weir::text {

/// A fuzzer's input: the first bytes choose the options, the rest is the text.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  /// The next byte modulo `choices`; 0 at the end.
  uint8_t choose(uint8_t choices) {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte % choices;
  }

  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace weir::text
