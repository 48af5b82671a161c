#include "postgres/numeric.h"

#include "postgres/big_endian.h"

namespace weir::postgres {

namespace {

constexpr uint64_t group_base = 10'000;
constexpr uint64_t four_groups = 10'000'000'000'000'000;  // 10^16
constexpr uint16_t negative_sign = 0x4000;

/// Groups of four digits, the lowest one first.
struct Groups {
  uint16_t values[Numeric::most_groups + 4];
  size_t count = 0;

  void push(uint64_t value) { values[count++] = static_cast<uint16_t>(value); }

  /// All of `rest`, which a 64-bit division can take apart; `least` groups at least.
  void push_all(uint64_t rest, size_t least) {
    for (size_t pushed = 0; rest != 0 || pushed < least; ++pushed) {
      push(rest % group_base);
      rest /= group_base;
    }
  }
};

constexpr uint64_t powers[] = {1, 10, 100, 1'000};

}  // namespace

size_t Numeric::write(char* to, __int128 value, int scale) {
  const bool negative = value < 0;
  auto rest = static_cast<unsigned __int128>(value);
  if (negative) rest = -rest;
  Groups groups;
  // Groups are counted from the decimal point: a last one that the scale cuts is filled with zeros.
  const int cut = scale % 4;
  if (cut != 0) {
    groups.push(static_cast<uint64_t>(rest % powers[cut]) * powers[4 - cut]);
    rest /= powers[cut];
  }
  // 128-bit divisions are slow, so take sixteen digits at a time.
  while (rest > UINT64_MAX) {
    groups.push_all(static_cast<uint64_t>(rest % four_groups), 4);
    rest /= four_groups;
  }
  groups.push_all(static_cast<uint64_t>(rest), 0);

  const int fraction_groups = (scale + 3) / 4;
  size_t end = groups.count;
  while (end > 0 && groups.values[end - 1] == 0) --end;
  size_t begin = 0;
  while (begin < end && groups.values[begin] == 0) ++begin;
  const int weight = end == 0 ? 0 : static_cast<int>(end) - 1 - fraction_groups;

  char* at = put(to, static_cast<uint16_t>(end - begin));
  at = put(at, static_cast<uint16_t>(weight));
  at = put(at, negative ? negative_sign : uint16_t{0});
  at = put(at, static_cast<uint16_t>(scale));
  for (size_t i = end; i > begin; --i) at = put(at, groups.values[i - 1]);
  return static_cast<size_t>(at - to);
}

}  // namespace weir::postgres
