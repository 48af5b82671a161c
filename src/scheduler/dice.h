#pragma once

#include <cstdint>
#include <mutex>
#include <random>

namespace weir::scheduler {

/// Random numbers for the spread of delays; the same ones for the same seed. Thread-safe.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}

  /// In [0, 1).
  double roll() {
    const std::lock_guard lock(mutex_);
    return std::uniform_real_distribution<>()(engine_);
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace weir::scheduler
