#include "api/query_request.h"

#include <fmt/format.h>

#include <optional>

#include "api/accept.h"
#include "api/problem.h"
#include "api/queries.h"
#include "api/request_target.h"
#include "pipeline/parameter_value.h"

namespace weir::api {
namespace {

using Refused = std::optional<http::Response>;

http::Response wrong_value(const QueryParameter& parameter, const Error& error) {
  return problem(ProblemCode::invalid_parameter,
                 fmt::format("parameter '{}': {}", parameter.name, error.message), error.fix,
                 text::Json::object()
                     .set("parameter", parameter.name)
                     .set("parameter_type", parameter.type.to_string()));
}

http::Response missing(const QueryParameter& parameter) {
  return problem(ProblemCode::missing_parameter,
                 fmt::format("the parameter '{}' is missing", parameter.name),
                 fmt::format("give it, with a value of type {}", parameter.type.to_string()),
                 text::Json::object()
                     .set("parameter", parameter.name)
                     .set("parameter_type", parameter.type.to_string()));
}

Refused check_names(const NamedQuery& query, const Parameters& parameters) {
  std::vector<std::string_view> known;
  for (const QueryParameter& parameter : query.parameters) known.push_back(parameter.name);
  const std::string* misfit = parameters.misfit(known);
  if (misfit == nullptr) return std::nullopt;
  return problem(
      ProblemCode::unknown_parameter,
      fmt::format("parameter '{}' is not known, or comes twice", *misfit),
      known.empty() ? "the query has none" : fmt::format("there are: {}", fmt::join(known, ", ")));
}

Refused read_values(const NamedQuery& query, Engine engine, const http::RequestHead& head,
                    std::vector<std::string>& values) {
  const auto parameters = Parameters::parse(head.query);
  if (!parameters) return problem(ProblemCode::malformed, "the query string does not decode");
  if (auto refused = check_names(query, *parameters)) return refused;
  for (const QueryParameter& parameter : query.parameters) {
    const std::string* given = parameters->find(parameter.name);
    if (given == nullptr && !parameter.fallback) return missing(parameter);
    auto value = pipeline::parameter_value(parameter.type,
                                           given != nullptr ? *given : *parameter.fallback, engine);
    if (!value) return wrong_value(parameter, value.error());
    values.push_back(*std::move(value));
  }
  return std::nullopt;
}

}  // namespace

std::variant<QueryRequest, http::Response> read_query_request(const Project& project,
                                                              const NamedQuery& query,
                                                              const http::RequestHead& head) {
  QueryRequest request;
  const Engine engine = project.find_database(query.database)->engine;
  if (auto refused = read_values(query, engine, head, request.values)) return *std::move(refused);
  const std::string* accept = http::find_header(head.headers, "accept");
  const auto form = best_accepted(accept != nullptr ? *accept : "", query_media_types);
  if (!form) {
    return problem(ProblemCode::not_acceptable, "rows are not given as '" + *accept + "'",
                   fmt::format("accept one of: {}", fmt::join(query_media_types, ", ")));
  }
  request.form = static_cast<QueryForm>(*form);
  return request;
}

}  // namespace weir::api
