#include "api/gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/problem.h"
#include "base/log.h"

namespace weir::api {
namespace {

constexpr int64_t day_us = int64_t{86'400} * 1'000'000;
/// How many requests of a day may be forgotten when the process dies.
constexpr uint64_t unsaved_requests = 100;

constexpr std::string_view bearer = "bearer ";

bool begins_with_bearer(std::string_view text) {
  return text.size() > bearer.size() &&
         std::equal(bearer.begin(), bearer.end(), text.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b | 32 : b); });
}

http::Response refuse(ProblemCode code, std::string_view detail, std::string_view fix) {
  http::Response response = problem(code, detail, fix);
  if (status_of(code) == 401) {
    response.headers.push_back({"www-authenticate", "Bearer realm=\"weir\""});
  }
  return response;
}

http::Response come_again(ProblemCode code, std::string_view detail, int64_t seconds) {
  http::Response response = problem(code, detail);
  response.headers.push_back({"retry-after", std::to_string(std::max<int64_t>(seconds, 1))});
  return response;
}

}  // namespace

std::variant<ApiKey, http::Response> Gate::identify(const http::RequestHead& head) const {
  std::string_view secret;
  if (const std::string* key = http::find_header(head.headers, "x-api-key")) {
    secret = *key;
  } else if (const std::string* authorization = http::find_header(head.headers, "authorization")) {
    if (begins_with_bearer(*authorization)) {
      secret = std::string_view(*authorization).substr(bearer.size());
    }
  }
  if (secret.empty()) {
    return refuse(ProblemCode::no_key, "the request has no key",
                  "send the header x-api-key; `weir key create NAME` makes one");
  }
  if (auto key = keys_.find(secret)) return *std::move(key);
  return refuse(ProblemCode::unknown_key, "the key is not known, or was revoked",
                "`weir key list` shows the keys there are");
}

std::optional<http::Response> Gate::count(const ApiKey& key, const std::string& plan) {
  const auto now = std::chrono::steady_clock::now();
  const RequestPlan* own = key.plan.empty() ? nullptr : api_.find_plan(key.plan);
  for (const RequestPlan* each : {own, api_.find_plan(plan)}) {
    if (each == nullptr) continue;
    if (const auto wait = throttle_.take(key.id, *each, now)) {
      return come_again(ProblemCode::too_many_requests,
                        fmt::format("plan '{}' gives {:g} requests per second, and {:g} at once",
                                    each->name, each->rate, each->burst),
                        (wait->count() + 999) / 1000);
    }
    if (each->daily_quota) {
      if (auto refused = count_day(key, *each)) return refused;
    }
    if (own != nullptr && own->name == plan) break;
  }
  return std::nullopt;
}

std::optional<http::Response> Gate::count_day(const ApiKey& key, const RequestPlan& plan) {
  const int64_t now_us = clock_.now().time_since_epoch().count();
  const int64_t today = now_us / day_us;
  const std::string name = key.id + " " + plan.name;
  const std::lock_guard lock(days_mutex_);
  Day& day = days_[name];
  if (day.day != today) {
    day = {today, 0, 0};
    const auto before = keys_.requests(name, today);
    if (before) day.requests = day.saved = *before;
    if (!before) log::warning("the day's requests are not known: {}", before.error().message);
  }
  if (day.requests >= *plan.daily_quota) {
    return come_again(
        ProblemCode::quota_used_up,
        fmt::format("plan '{}' gives {} requests a day (UTC)", plan.name, *plan.daily_quota),
        (day_us - now_us % day_us) / 1'000'000);
  }
  ++day.requests;
  if (day.requests - day.saved >= std::min(unsaved_requests, *plan.daily_quota)) {
    const auto saved = keys_.set_requests(name, today, day.requests);
    if (!saved) log::warning("the day's requests are not kept: {}", saved.error().message);
    day.saved = day.requests;
  }
  return std::nullopt;
}

}  // namespace weir::api
