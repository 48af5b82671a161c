#pragma once

#include <dlfcn.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

/// What the simulation tells the faulty files; tests/sim/faulty_files.py writes the same layout.

namespace faulty {

struct Rule {
  std::atomic<uint32_t> armed;
  uint32_t operations;
  int32_t action;
  int32_t error;
  uint32_t per_million;  // how likely a call is struck
  uint32_t unused;
  uint64_t skip;   // so many calls pass first
  uint64_t limit;  // most calls struck; 0: any number
  std::atomic<uint64_t> matched;
  std::atomic<uint64_t> struck;
  std::atomic<uint64_t> bytes;  // read or written by calls that went through
  std::atomic<uint64_t> end;    // the farthest byte written
  char path[184];               // fnmatch(3)
};
static_assert(sizeof(Rule) == 256);

constexpr uint32_t page_magic = 0x57464c54;
constexpr uint32_t page_layout = 1;
constexpr int most_rules = 32;

struct Page {
  uint32_t magic;
  uint32_t layout;
  std::atomic<int64_t> clock_offset_ns;
  std::atomic<uint64_t> clock_jumps;
  uint64_t seed;
  std::atomic<uint64_t> processes;
  std::atomic<uint64_t> timers_woken;
  uint64_t unused[2];
  Rule rules[most_rules];
};
static_assert(sizeof(Page) == 64 + most_rules * 256);

/// Null without a page: then every call goes straight through.
extern Page* page;

template <class Function>
Function* next(const char* name, const char* version = nullptr) {
  void* found = version != nullptr ? dlvsym(RTLD_NEXT, name, version) : dlsym(RTLD_NEXT, name);
  if (found == nullptr) abort();
  return reinterpret_cast<Function*>(found);
}
#define NEXT(function) static auto* const real = next<decltype(function)>(#function)

}  // namespace faulty
