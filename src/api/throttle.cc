#include "api/throttle.h"

#include <algorithm>
#include <cmath>

namespace weir::api {
namespace {

using Seconds = std::chrono::duration<double>;

}  // namespace

std::optional<std::chrono::milliseconds> Throttle::take(const std::string& key,
                                                        const RequestPlan& plan, Time now) {
  const std::lock_guard lock(mutex_);
  const auto [at, added] = buckets_.try_emplace(key + '\n' + plan.name);
  Bucket& bucket = at->second;
  if (added) {
    bucket.tokens = plan.burst;
  } else {
    // A clock that is read on two threads may be a little behind.
    const double seconds = std::max(0.0, Seconds(now - bucket.filled).count());
    bucket.tokens = std::min(plan.burst, bucket.tokens + seconds * plan.rate);
  }
  bucket.filled = std::max(bucket.filled, now);
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::nullopt;
  }
  const double wait_ms = std::ceil((1 - bucket.tokens) / plan.rate * 1000);
  return std::chrono::milliseconds(static_cast<int64_t>(wait_ms));
}

}  // namespace weir::api
