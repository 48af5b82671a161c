#include "api/admin.h"

#include <fmt/format.h>

#include "text/json.h"

namespace weir::api {
namespace {

using text::Json;

constexpr int ok = 200;
constexpr int not_found = 404;
constexpr int method_not_allowed = 405;
constexpr int unavailable = 503;

http::Response json_response(int status, const Json& body) {
  return {status, {{"content-type", "application/json"}}, body.to_string() + "\n"};
}

}  // namespace

http::Response Admin::answer(const http::Request& request) {
  const std::string& path = request.head.path;
  if (path != "/metrics" && path != "/healthz" && path != "/readyz") {
    return http::problem(not_found, "there are /metrics, /healthz and /readyz");
  }
  if (request.head.method != "GET" && request.head.method != "HEAD") {
    http::Response refused = http::problem(method_not_allowed, path + " takes GET and HEAD");
    refused.headers.push_back({"allow", "GET, HEAD"});
    return refused;
  }
  if (path == "/metrics") return show_metrics();
  return path == "/healthz" ? show_health() : show_readiness();
}

http::Response Admin::show_metrics() {
  pulse_.latest(fresh, patience);  // its beat sets the levels
  return {ok, {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}}, metrics_.text()};
}

http::Response Admin::show_health() const {
  const Pulse::Interval looking = pulse_.looking_for();
  if (looking < longest_look) return json_response(ok, Json::object().set("status", "ok"));
  return json_response(unavailable,
                       Json::object()
                           .set("status", "stuck")
                           .set("why", fmt::format("the run log or the dispatcher has not "
                                                   "answered for {} s",
                                                   looking.count() / 1000)));
}

http::Response Admin::show_readiness() {
  const auto vitals = pulse_.latest(fresh, patience);
  const bool hangs = pulse_.looking_for() >= patience;
  const bool ready = vitals && vitals->ready() && !hangs;
  Json checks = Json::array();
  if (vitals) {
    for (const Condition& each : vitals->conditions) {
      Json check = Json::object().set("name", each.name).set("ready", each.met);
      if (!each.met) check.set("why", each.why);
      checks.push(std::move(check));
    }
  }
  if (!vitals || hangs) {
    checks.push(Json::object()
                    .set("name", "answers")
                    .set("ready", false)
                    .set("why", "the run log or the dispatcher does not answer"));
  }
  return json_response(
      ready ? ok : unavailable,
      Json::object().set("status", ready ? "ready" : "not ready").set("checks", std::move(checks)));
}

}  // namespace weir::api
