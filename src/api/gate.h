#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "api/throttle.h"
#include "base/clock.h"
#include "http/message.h"
#include "model/api.h"
#include "model/api_key.h"
#include "runlog/key_store.h"

namespace weir::api {

/// Who may ask for what, and how much of it. Thread-safe.
class Gate {
 public:
  /// All must outlive it.
  Gate(const Api& api, runlog::KeyStore& keys, const Clock& clock)
      : api_(api), keys_(keys), clock_(clock) {}

  /// The key that came with the request: `x-api-key`, or `Authorization: Bearer`. Else the answer:
  /// 401.
  std::variant<ApiKey, http::Response> identify(const http::RequestHead& head) const;

  /// Counts a request; the answer (429) when the key has asked for too much. `plan`: of what is
  /// asked for; the key's own counts as well.
  std::optional<http::Response> count(const ApiKey& key, const std::string& plan);

 private:
  struct Day {
    int64_t day = 0;
    uint64_t requests = 0;
    uint64_t saved = 0;  ///< of them
  };
  std::optional<http::Response> count_day(const ApiKey& key, const RequestPlan& plan);

  const Api& api_;
  runlog::KeyStore& keys_;
  const Clock& clock_;
  Throttle throttle_;
  std::mutex days_mutex_;
  std::map<std::string, Day> days_;  // by key and plan; guarded by days_mutex_
};

}  // namespace weir::api
