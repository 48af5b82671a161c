#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::text {

/// 64 bytes that are asked questions all at once: bit i of an answer is about byte i. AVX2 where
/// the build has it, else SSE2, else a plain loop.
class Bytes64 {
 public:
  /// Reads 64 bytes from `data`.
  explicit Bytes64(const char* data) {
    for (int i = 0; i < lanes; ++i) lanes_[i] = load(data + lane_bytes * i);
  }

  uint64_t equal(char byte) const {
    return join([wanted = fill(byte)](Lane lane) { return compare(lane, wanted); });
  }

  /// Bytes that equal `byte` once bit 0x20 is set: '{' finds '{' and '[', '}' finds '}' and ']'.
  uint64_t equal_with_bit_0x20(char byte) const {
    return join([wanted = fill(byte), bit = fill(0x20)](Lane lane) {
      return compare(either(lane, bit), wanted);
    });
  }

  /// Bytes from 0x80 up.
  uint64_t high() const {
    return join([](Lane lane) { return lane; });
  }

 private:
#if defined(__AVX2__)
  using Lane = __m256i;
  static Lane load(const char* data) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data));
  }
  static Lane fill(char byte) { return _mm256_set1_epi8(byte); }
  static Lane compare(Lane a, Lane b) { return _mm256_cmpeq_epi8(a, b); }
  static Lane either(Lane a, Lane b) { return _mm256_or_si256(a, b); }
  static uint32_t top_bits(Lane lane) { return static_cast<uint32_t>(_mm256_movemask_epi8(lane)); }
#elif defined(__SSE2__)
  using Lane = __m128i;
  static Lane load(const char* data) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
  }
  static Lane fill(char byte) { return _mm_set1_epi8(byte); }
  static Lane compare(Lane a, Lane b) { return _mm_cmpeq_epi8(a, b); }
  static Lane either(Lane a, Lane b) { return _mm_or_si128(a, b); }
  static uint32_t top_bits(Lane lane) { return static_cast<uint32_t>(_mm_movemask_epi8(lane)); }
#else
  using Lane = char;
  static Lane load(const char* data) { return *data; }
  static Lane fill(char byte) { return byte; }
  static Lane compare(Lane a, Lane b) { return static_cast<char>(a == b ? -1 : 0); }
  static Lane either(Lane a, Lane b) { return static_cast<char>(a | b); }
  static uint32_t top_bits(Lane lane) { return static_cast<unsigned char>(lane) >> 7; }
#endif
  static constexpr int lane_bytes = static_cast<int>(sizeof(Lane));
  static constexpr int lanes = 64 / lane_bytes;

  template <class Answer>
  uint64_t join(Answer answer) const {
    uint64_t bits = 0;
    for (int i = 0; i < lanes; ++i) {
      bits |= uint64_t{top_bits(answer(lanes_[i]))} << (lane_bytes * i);
    }
    return bits;
  }

  Lane lanes_[lanes];
};

/// The `count` lowest bits, 0 ≤ count ≤ 64.
constexpr uint64_t low_bits(size_t count) {
  return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

/// Bit i is the xor of the bits 0 … i: turns the places of quotes into the stretches between them.
constexpr uint64_t prefix_xor(uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

}  // namespace weir::text
