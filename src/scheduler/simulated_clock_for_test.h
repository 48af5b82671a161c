#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"

namespace weir::scheduler::testing {

/// A clock that stands until it is moved, either way. Thread-safe.
class SimulatedClock final : public Clock {
 public:
  Timestamp now() const override { return Timestamp(std::chrono::microseconds(now_.load())); }
  void advance(std::chrono::microseconds by) { now_ += by.count(); }

 private:
  std::atomic<int64_t> now_{1'700'000'000'000'000};
};

}  // namespace weir::scheduler::testing
