#include "io/free_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

namespace weir::io {
namespace {

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

long resident_pages() {
  long total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident;
}

TEST(FreeMemory, WhatIsFreeBelowSomethingThatStaysGoesBackToTheSystem) {
  constexpr size_t piece = 16u << 10, pieces = 4096;  // 64 MiB, none so large that it is mapped
  std::vector<std::unique_ptr<char[]>> held(pieces);
  for (auto& one : held) {
    one = std::make_unique_for_overwrite<char[]>(piece);
    std::memset(one.get(), 1, piece);
  }
  held.front().swap(held.back());
  held.resize(1);
  const auto stays = std::move(held.front());
  const long before = resident_pages();
  release_free_memory();
  EXPECT_GT(before - resident_pages(), 32 << 20 >> 12) << "pages of 4 KiB";
  EXPECT_EQ(stays[0], 1);
}

#endif

}  // namespace
}  // namespace weir::io
