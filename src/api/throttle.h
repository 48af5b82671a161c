#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "model/api.h"

namespace weir::api {

/// Token buckets: one for each key and plan. Thread-safe.
class Throttle {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Takes a token; else in how many seconds there will be one.
  std::optional<std::chrono::milliseconds> take(const std::string& key, const RequestPlan& plan,
                                                Time now);

 private:
  struct Bucket {
    double tokens = 0;
    Time filled{};
  };

  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;  // guarded by mutex_
};

}  // namespace weir::api
