#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "http/message.h"
#include "text/json.h"

namespace weir::api {

/// Every problem the API answers with. X(code, status, title): the code is stable, part of the
/// answer, and told apart by programs; docs/reference/api.md lists them.
#define WEIR_PROBLEM_TABLE(X)                                            \
  X(malformed, 400, "The request is not what this address takes")        \
  X(missing_parameter, 400, "A parameter is missing")                    \
  X(invalid_parameter, 400, "A parameter has no value of its type")      \
  X(unknown_parameter, 400, "A parameter is not known")                  \
  X(no_key, 401, "A key is needed")                                      \
  X(unknown_key, 401, "The key is not known, or was revoked")            \
  X(out_of_scope, 403, "The key may not do this")                        \
  X(foreign_origin, 403, "Pages of that origin may not ask")             \
  X(not_found, 404, "There is no such thing")                            \
  X(method_not_allowed, 405, "This address does not take that method")   \
  X(not_acceptable, 406, "The answer cannot be given in that form")      \
  X(conflict, 409, "This cannot be done now")                            \
  X(body_too_large, 413, "The body is too large")                        \
  X(too_many_rows, 413, "The request has too many rows")                 \
  X(unsupported_media_type, 415, "Bodies of that type are not read")     \
  X(rejected, 422, "No row is good")                                     \
  X(key_reused, 422, "The Idempotency-Key was used for another request") \
  X(too_many_requests, 429, "Too many requests")                         \
  X(quota_used_up, 429, "The day's requests are used up")                \
  X(failed, 500, "weir could not do this")                               \
  X(query_failed, 500, "The query's SQL failed in its database")         \
  X(too_much_waits, 503, "Too much waits to be done")                    \
  X(database_unavailable, 503, "A database cannot be reached")           \
  X(stopping, 503, "This weir is stopping")                              \
  X(took_too_long, 504, "The answer took too long")

enum class ProblemCode {
#define X(code, status, title) code,
  WEIR_PROBLEM_TABLE(X)
#undef X
};

int status_of(ProblemCode code);
std::string_view name_of(ProblemCode code);
std::string_view title_of(ProblemCode code);

/// application/problem+json (RFC 9457): type, title, status, detail, and weir's own: code, fix.
/// `more`: further members of an object.
http::Response problem(ProblemCode code, std::string_view detail, std::string_view fix = "",
                       const text::Json& more = {});
/// What an error of the parts below means to who asked.
ProblemCode problem_code(const Error& error);
http::Response problem(const Error& error);

}  // namespace weir::api
