#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace weir::postgres {

inline uint8_t in_network_order(uint8_t value) { return value; }
inline uint16_t in_network_order(uint16_t value) { return __builtin_bswap16(value); }
inline uint32_t in_network_order(uint32_t value) { return __builtin_bswap32(value); }
inline uint64_t in_network_order(uint64_t value) { return __builtin_bswap64(value); }
static_assert(std::endian::native == std::endian::little);

/// Writes the value at `to`, highest byte first; gives where it ends.
template <std::unsigned_integral Value>
char* put(char* to, Value value) {
  value = in_network_order(value);
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

}  // namespace weir::postgres
