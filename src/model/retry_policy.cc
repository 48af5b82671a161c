#include "model/retry_policy.h"

#include <algorithm>

namespace weir {

std::chrono::milliseconds retry_delay(const RetryPolicy& policy, int failures, double random) {
  constexpr double spread = 0.2;
  auto delay = std::min(policy.backoff, policy.longest);
  for (int i = 1; i < failures && delay < policy.longest; ++i) {
    if (delay.count() == 0) break;
    delay = std::min(delay * 2, policy.longest);
  }
  const double factor = 1 - spread + 2 * spread * random;
  return std::chrono::milliseconds(
      static_cast<int64_t>(static_cast<double>(delay.count()) * factor));
}

}  // namespace weir
