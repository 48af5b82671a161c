#include "api/cors.h"

#include <algorithm>

#include "api/problem.h"

namespace weir::api {
namespace {

constexpr std::string_view any_origin = "*";
constexpr const char* allowed_headers =
    "content-type, x-api-key, authorization, idempotency-key, prefer, x-request-id, traceparent";
constexpr const char* exposed_headers =
    "x-request-id, retry-after, preference-applied, idempotency-replayed, location";
/// In seconds; browsers ask again after two hours whatever we say.
constexpr const char* max_age = "7200";

}  // namespace

std::string Cors::allowed(const std::string& origin) const {
  for (const std::string& each : origins_) {
    if (each == any_origin || each == origin) return each;
  }
  return {};
}

std::optional<http::Response> Cors::preflight(const http::RequestHead& head,
                                              std::string_view methods) const {
  const std::string* origin = http::find_header(head.headers, "origin");
  const bool asks = head.method == "OPTIONS" && origin != nullptr &&
                    http::find_header(head.headers, "access-control-request-method") != nullptr;
  if (!asks || origins_.empty()) return std::nullopt;
  if (allowed(*origin).empty()) {
    return problem(ProblemCode::foreign_origin, "pages of '" + *origin + "' may not ask",
                   "add the origin to 'origins' of 'api' in the project file");
  }
  return http::Response{204,
                        {{"access-control-allow-methods", std::string(methods)},
                         {"access-control-allow-headers", allowed_headers},
                         {"access-control-max-age", max_age}}};
}

void Cors::allow(const std::string* origin, http::Response& response) const {
  if (origins_.empty()) return;
  // Also where it is not allowed, or not sent: a cache must not give one page's answer to another.
  if (origins_.front() != any_origin) response.headers.push_back({"vary", "Origin"});
  if (origin == nullptr) return;
  const std::string allowed_origin = allowed(*origin);
  if (allowed_origin.empty()) return;
  response.headers.push_back({"access-control-allow-origin", allowed_origin});
  response.headers.push_back({"access-control-expose-headers", exposed_headers});
}

}  // namespace weir::api
