#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace weir {

/// What a property test draws from: anew each time, or from WEIR_SEED to see a failure again.
class Dice {
 public:
  Dice() : random_(seed_) {}

  size_t below(size_t limit) { return random_() % limit; }
  bool one_in(size_t count) { return below(count) == 0; }

  uint64_t seed() const { return seed_; }
  /// For SCOPED_TRACE: what to set to see it again.
  std::string told() const { return "WEIR_SEED=" + std::to_string(seed_); }

 private:
  static uint64_t seed_of_run() {
    const char* given = std::getenv("WEIR_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  }

  uint64_t seed_ = seed_of_run();
  std::mt19937_64 random_;
};

}  // namespace weir
