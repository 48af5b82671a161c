#include "api/problem.h"

#include "base/redaction.h"

namespace weir::api {

using text::Json;

int status_of(ProblemCode code) {
  switch (code) {
#define X(name, status, title) \
  case ProblemCode::name: return status;
    WEIR_PROBLEM_TABLE(X)
#undef X
  }
  return 500;
}

std::string_view name_of(ProblemCode code) {
  switch (code) {
#define X(name, status, title) \
  case ProblemCode::name: return #name;
    WEIR_PROBLEM_TABLE(X)
#undef X
  }
  return "failed";
}

std::string_view title_of(ProblemCode code) {
  switch (code) {
#define X(name, status, title) \
  case ProblemCode::name: return title;
    WEIR_PROBLEM_TABLE(X)
#undef X
  }
  return "weir could not do this";
}

http::Response problem(ProblemCode code, std::string_view detail, std::string_view fix,
                       const Json& more) {
  Json body = Json::object();
  body.set("type", "urn:weir:problem:" + std::string(name_of(code)));
  body.set("title", title_of(code)).set("status", status_of(code));
  body.set("detail", redact(std::string(detail))).set("code", name_of(code));
  if (!fix.empty()) body.set("fix", fix);
  for (const auto& [name, value] : more.as_object()) body.set(name, value);
  return {status_of(code),
          {{"content-type", "application/problem+json"}},
          body.to_string() + "\n",
          name_of(code)};
}

ProblemCode problem_code(const Error& error) {
  switch (error.code) {
    case ErrorCode::usage:
    case ErrorCode::invalid_input:
    case ErrorCode::sql: return ProblemCode::malformed;
    case ErrorCode::not_found: return ProblemCode::not_found;
    case ErrorCode::already_exists:
    case ErrorCode::input_changed:
    case ErrorCode::not_yet: return ProblemCode::conflict;
    case ErrorCode::too_many_rejects: return ProblemCode::rejected;
    case ErrorCode::busy: return ProblemCode::too_much_waits;
    case ErrorCode::io:
    case ErrorCode::unavailable: return ProblemCode::database_unavailable;
    case ErrorCode::cancelled: return ProblemCode::stopping;
    case ErrorCode::invalid_project:
    case ErrorCode::internal: return ProblemCode::failed;
  }
  return ProblemCode::failed;
}

http::Response problem(const Error& error) {
  const ProblemCode code = problem_code(error);
  http::Response response = problem(code, error.message, error.fix);
  if (status_of(code) == 503) response.headers.push_back({"retry-after", "1"});
  return response;
}

}  // namespace weir::api
