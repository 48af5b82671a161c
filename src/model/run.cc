#include "model/run.h"

#include <array>
#include <mutex>
#include <random>

namespace weir {

RunId new_run_id(Timestamp now) {
  static std::mutex mutex;
  static std::mt19937_64 random{std::random_device{}()};
  static uint64_t last_ms = 0;
  static std::array<uint8_t, 10> tail{};

  const std::lock_guard lock(mutex);
  const auto now_ms = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  if (now_ms > last_ms) {
    last_ms = now_ms;
    for (auto& byte : tail) byte = static_cast<uint8_t>(random());
    tail[0] &= 0x7f;  // room to count up within one millisecond
  } else {
    for (size_t i = tail.size(); i-- > 0 && ++tail[i] == 0;) {
    }
  }
  std::array<uint8_t, 16> bytes{};
  for (int i = 0; i < 6; ++i) bytes[i] = static_cast<uint8_t>(last_ms >> (40 - 8 * i));
  std::copy(tail.begin(), tail.end(), bytes.begin() + 6);

  static constexpr char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string text(26, '0');
  for (int position = 0; position < 26; ++position) {  // 130 bits, the first two are zero
    int value = 0;
    for (int bit = 0; bit < 5; ++bit) {
      const int index = position * 5 + bit - 2;
      const int one = index < 0 ? 0 : (bytes[index / 8] >> (7 - index % 8)) & 1;
      value = value * 2 + one;
    }
    text[position] = digits[value];
  }
  return RunId(text);
}

}  // namespace weir
