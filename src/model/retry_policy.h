#pragma once

#include <chrono>

namespace weir {

/// How often, and how far apart, something that failed for a passing reason is tried again.
struct RetryPolicy {
  int times = 5;                               ///< most tries after the first
  std::chrono::milliseconds backoff{500};      ///< before the first of them; doubles with each
  std::chrono::milliseconds longest{300'000};  ///< no wait is longer
  bool operator==(const RetryPolicy&) const = default;
};

/// The wait before the next try after `failures` (from 1) tries in vain: `backoff` doubled with
/// each failure, at most `longest`, then up to a fifth more or less, so that what failed together
/// does not come back together. `random` in [0, 1) says how much.
std::chrono::milliseconds retry_delay(const RetryPolicy& policy, int failures, double random);

}  // namespace weir
