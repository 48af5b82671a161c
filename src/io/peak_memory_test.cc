#include "io/peak_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace weir::io {
namespace {

TEST(PeakMemory, GrowsWithWhatIsTouched) {
  constexpr size_t size = 256u << 20;
  begin_peak_memory();
  const uint64_t before = peak_memory_bytes();
  ASSERT_GT(before, 0u);
  {
    const auto block = std::make_unique<char[]>(size);
    std::memset(block.get(), 1, size);
    ASSERT_EQ(block[size - 1], 1);
  }
  EXPECT_GE(peak_memory_bytes(), before + size / 2);
  EXPECT_LT(peak_memory_bytes(), before + 2 * size);
}

}  // namespace
}  // namespace weir::io
