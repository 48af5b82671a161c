#pragma once

#include "config/values.h"
#include "model/retry_policy.h"

namespace weir::config {

/// `retry: {times: 5, backoff: 500ms, longest: 5m}`, of a pipeline or of one step.
struct RetryEntry {
  Located<int64_t> times{RetryPolicy{}.times, {}};
  Located<int64_t> backoff_ms{RetryPolicy{}.backoff.count(), {}};
  Located<int64_t> longest_ms{RetryPolicy{}.longest.count(), {}};

  RetryPolicy policy() const;
};
Value<RetryEntry> retry_value();

}  // namespace weir::config
