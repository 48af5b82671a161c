#include "api/query_openapi.h"

#include <fmt/format.h>

#include "api/queries.h"
#include "api/row_schema.h"

namespace weir::api {
namespace {

using text::Json;

Json parameter(const QueryParameter& declared) {
  Json schema = type_schema(declared.type);
  std::string description = declared.type.to_string();
  if (declared.fallback) {
    schema.set("default", *declared.fallback);
    description += ", " + *declared.fallback + " when it is not given";
  }
  return Json::object()
      .set("name", declared.name)
      .set("in", "query")
      .set("required", !declared.fallback.has_value())
      .set("description", description)
      .set("schema", std::move(schema));
}

Json forms() {
  const Json row = Json::object().set("type", "object");
  Json out = Json::object();
  for (const std::string_view type : query_media_types) {
    Json schema = type == query_media_types[0]
                      ? Json::object().set("type", "array").set("items", row)
                      : Json::object().set("type", "string");
    if (type.ends_with("parquet")) schema.set("format", "binary");
    out.set(std::string(type), Json::object().set("schema", std::move(schema)));
  }
  return out;
}

}  // namespace

Json query_operation(const NamedQuery& query) {
  Json parameters = Json::array();
  for (const QueryParameter& each : query.parameters) parameters.push(parameter(each));
  Json rows = Json::object().set("description", "The rows.").set("content", forms());
  return Json::object()
      .set("summary", "Ask the query " + query.name)
      .set("operationId", "get_query_" + query.name)
      .set("description", fmt::format("As JSON, or as Accept says: {}. At most {} s.",
                                      fmt::join(query_media_types, ", "), query.timeout_ms / 1000))
      .set("parameters", std::move(parameters))
      .set("responses", Json::object().set("200", std::move(rows)));
}

}  // namespace weir::api
