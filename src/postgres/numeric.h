#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::postgres {

/// Postgres's numeric as COPY BINARY spells it: groups of four decimal digits, big-endian.
struct Numeric {
  /// 38 digits need ten groups, two more where the point cuts one; 39 of a hugeint no more.
  static constexpr size_t most_groups = 12;
  static constexpr size_t most_bytes = 8 + 2 * most_groups;

  /// Writes `value` / 10^`scale`, exactly, at `to`, which has room for most_bytes. Gives how many
  /// bytes it took.
  static size_t write(char* to, __int128 value, int scale);
};

}  // namespace weir::postgres
