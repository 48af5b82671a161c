#include "api/openapi.h"

#include <fmt/format.h>

#include <map>

#include "api/problem.h"
#include "api/query_openapi.h"
#include "api/row_schema.h"

namespace weir::api {
namespace {

using text::Json;

Json reference(const std::string& schema) {
  return Json::object().set("$ref", "#/components/schemas/" + schema);
}

Json content(const char* type, Json schema) {
  return Json::object().set(type, Json::object().set("schema", std::move(schema)));
}

Json response(const std::string& description, Json body = {}) {
  Json out = Json::object().set("description", description);
  if (!body.is_null()) out.set("content", std::move(body));
  return out;
}

Json problem_response(int status) {
  std::string codes;
#define X(code, its_status, title) \
  if (its_status == status) codes += (codes.empty() ? "" : "; ") + std::string(#code ": " title);
  WEIR_PROBLEM_TABLE(X)
#undef X
  return response(codes, content("application/problem+json", reference("Problem")));
}

void add_problems(Json& responses, std::initializer_list<int> statuses) {
  for (const int status : statuses) responses.set(std::to_string(status), problem_response(status));
}

Json parameter(const char* name, const char* in, Json schema, const std::string& description,
               bool required = false) {
  return Json::object()
      .set("name", name)
      .set("in", in)
      .set("required", required)
      .set("schema", std::move(schema))
      .set("description", description);
}

Json text_type() { return Json::object().set("type", "string"); }

Json modes(LoadMode usual) {
  Json words = Json::array();
  for (const LoadMode mode : all_load_modes) words.push(to_string(mode));
  return Json::object().set("type", "string").set("enum", words).set("default", to_string(usual));
}

Json rows_headers() {
  return Json::array()
      .push(parameter("Idempotency-Key", "header", text_type(),
                      "Who sends the same request again under the same key gets the first one's "
                      "receipt; also after a restart."))
      .push(parameter("Prefer", "header", text_type(),
                      "tx=rollback: a dry run. handling=strict: all rows or none."));
}

Json rows_operation(const Table& table, const RowsRoute& route) {
  const std::string& name = table.name.value();
  Json parameters = rows_headers();
  parameters.push(
      parameter("mode", "query", modes(route.mode), "What a key that is there already does."));
  const Json row = reference(name);
  Json one_of = Json::array().push(row).push(
      Json::object().set("type", "array").set("items", row).set("maxItems", route.max_rows));
  Json bodies = content("application/json", Json::object().set("oneOf", std::move(one_of)));
  bodies.set("application/x-ndjson", Json::object().set("schema", text_type()));
  bodies.set("text/csv", Json::object().set("schema", text_type()));
  Json responses = Json::object();
  responses.set("200", response("What became of each row; those that are good are committed.",
                                content("application/json", reference("Receipt"))));
  add_problems(responses, {400, 401, 403, 404, 409, 413, 415, 422, 429, 503});
  return Json::object()
      .set("summary", "Load rows into " + name)
      .set("operationId", "post_rows_" + name)
      .set("description", fmt::format("At most {} rows (CSV: {} bytes) in a request.",
                                      route.max_rows, route.max_bytes))
      .set("parameters", std::move(parameters))
      .set("requestBody", Json::object().set("required", true).set("content", std::move(bodies)))
      .set("responses", std::move(responses));
}

Json csv_operation() {
  Json parameters = rows_headers();
  parameters.push(parameter("table", "query", text_type(), "The table.", true));
  parameters.push(parameter("schema", "query", text_type(), "Its schema.", true));
  parameters.push(parameter("append", "query", Json::object().set("type", "boolean"),
                            "false: the rows replace those of the table.", true));
  Json responses = Json::object();
  responses.set("200", response("The receipt", content("application/json", reference("Receipt"))));
  add_problems(responses, {400, 401, 403, 404, 413, 422, 429, 503});
  return Json::object()
      .set("summary", "Load a CSV file into a table")
      .set("operationId", "post_csv")
      .set("parameters", std::move(parameters))
      .set("requestBody",
           Json::object().set("required", true).set("content", content("text/csv", text_type())))
      .set("responses", std::move(responses));
}

/// An operation without a schema of its own.
Json plain_operation(const std::string& summary, const std::string& id, const char* status,
                     Json body, Json parameters = Json::array()) {
  Json responses = Json::object();
  responses.set(status, response(summary, std::move(body)));
  add_problems(responses, {400, 401, 403, 404, 429, 503});
  Json out = Json::object().set("summary", summary).set("operationId", id);
  if (!parameters.as_array().empty()) out.set("parameters", std::move(parameters));
  return out.set("responses", std::move(responses));
}

Json list_body() {
  return content(
      "application/json",
      Json::object().set("type", "array").set("items", Json::object().set("type", "object")));
}

Json path_name(const char* name, const char* description) {
  return parameter(name, "path", text_type(), description, true);
}

void add_run_paths(Json& paths) {
  const Json accepted = content("application/json", reference("Accepted"));
  Json filters = Json::array();
  for (const char* name : {"pipeline", "state", "object", "since", "until"}) {
    filters.push(parameter(name, "query", text_type(), "Only runs of this."));
  }
  filters.push(parameter("limit", "query", Json::object().set("type", "integer"), "At most."));
  paths.set("/api/runs",
            Json::object().set("get", plain_operation("Runs, the newest first", "list_runs", "200",
                                                      list_body(), std::move(filters))));
  paths.set("/api/pipelines/{pipeline}/runs",
            Json::object().set(
                "post", plain_operation("Run a pipeline now", "start_run", "202", accepted,
                                        Json::array().push(path_name("pipeline", "Its name.")))));
  struct RunPath {
    const char* end;
    const char* method;
    const char* summary;
    const char* id;
    const char* status;
  };
  constexpr RunPath run_paths[] = {
      {"", "get", "A run's receipt", "get_run", "200"},
      {"/logs", "get", "What a run had to say; as events with Accept: text/event-stream",
       "get_run_log", "200"},
      {"/rejects", "get", "The rows a run has rejected", "get_run_rejects", "200"},
      {"/retry", "post", "Try a parked or failed run again", "retry_run", "202"},
      {"/replay", "post", "Judge a run's rejects again", "replay_run", "202"},
  };
  for (const RunPath& path : run_paths) {
    const bool starts = std::string_view(path.method) == "post";
    Json body = starts              ? accepted
                : *path.end == '\0' ? content("application/json", reference("Receipt"))
                                    : list_body();
    paths.set("/api/runs/{run}" + std::string(path.end),
              Json::object().set(
                  path.method, plain_operation(path.summary, path.id, path.status, std::move(body),
                                               Json::array().push(path_name("run", "Its id.")))));
  }
}

void add_query_path(const NamedQuery& query, Json& paths) {
  Json operation = query_operation(query);
  Json responses = operation["responses"];
  add_problems(responses, {400, 401, 403, 404, 406, 429, 500, 503, 504});
  operation.set("responses", std::move(responses));
  paths.set("/api/queries/" + query.name, Json::object().set("get", std::move(operation)));
}

Json schemas(const Project& project) {
  Json all = Json::object();
  for (const Table& table : project.tables) all.set(table.name.value(), row_schema(table));
  Json counts = Json::object();
  for (const char* name : {"read", "expanded", "folded", "inserted", "updated", "unchanged",
                           "loaded", "deduplicated", "filtered", "rejected", "replaced"}) {
    counts.set(name, Json::object().set("type", "integer"));
  }
  Json receipt = Json::object();
  for (const char* name : {"run", "pipeline", "object", "version", "status"}) {
    receipt.set(name, text_type());
  }
  receipt.set("rows", Json::object().set("type", "object").set("properties", std::move(counts)));
  receipt.set(
      "rejects",
      Json::object().set("type", "array").set("items", Json::object().set("type", "object")));
  receipt.set("error", Json::object().set("type", Json::array().push("object").push("null")));
  receipt.set("duration_ms", Json::object().set("type", "number"));
  all.set("Receipt", Json::object().set("type", "object").set("properties", std::move(receipt)));
  Json ids = Json::object().set("type", "array").set("items", text_type());
  all.set("Accepted", Json::object()
                          .set("type", "object")
                          .set("properties", Json::object().set("runs", std::move(ids))));
  Json codes = Json::array();
#define X(code, status, title) codes.push(#code);
  WEIR_PROBLEM_TABLE(X)
#undef X
  Json problem = Json::object();
  for (const char* name : {"type", "title", "detail", "fix"}) problem.set(name, text_type());
  problem.set("status", Json::object().set("type", "integer"));
  problem.set("code", text_type().set("enum", std::move(codes)));
  all.set("Problem", Json::object().set("type", "object").set("properties", std::move(problem)));
  return all;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

constexpr const char* page_begin = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{0}: API</title><style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}}
code,pre{{font:14px/1.4 ui-monospace,monospace;background:#f3f4f6;border-radius:4px}}
code{{padding:.1em .3em}}pre{{padding:.8rem;overflow:auto}}
h2{{margin-top:2.5rem;border-top:1px solid #ddd;padding-top:1rem}}
table{{border-collapse:collapse;width:100%}}td,th{{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #eee;vertical-align:top}}
.m{{font-weight:700;color:#0b5fa5}}
</style></head><body><h1>{0}</h1>
<p>Every request needs a key: <code>x-api-key: weir_…</code>, made by <code>weir key create NAME</code>.
The same as this page, for programs: <a href="/openapi.json">openapi.json</a>.</p>
)html";

}  // namespace

Json openapi(const Project& project) {
  Json paths = Json::object();
  for (const Table& table : project.tables) {
    const RowsRoute* route = project.api->find_rows(table.name);
    if (route == nullptr) continue;
    paths.set("/api/tables/" + table.name.value() + "/rows",
              Json::object().set("post", rows_operation(table, *route)));
  }
  paths.set("/api/rows", Json::object().set("post", csv_operation()));
  for (const NamedQuery& query : project.api->queries) add_query_path(query, paths);
  add_run_paths(paths);
  Json security = Json::object();
  security.set("key",
               Json::object().set("type", "apiKey").set("in", "header").set("name", "x-api-key"));
  security.set("bearer", Json::object().set("type", "http").set("scheme", "bearer"));
  Json either = Json::array()
                    .push(Json::object().set("key", Json::array()))
                    .push(Json::object().set("bearer", Json::array()));
  return Json::object()
      .set("openapi", "3.1.0")
      .set("info", Json::object().set("title", project.name).set("version", WEIR_VERSION))
      .set("security", std::move(either))
      .set("paths", std::move(paths))
      .set("components", Json::object()
                             .set("securitySchemes", std::move(security))
                             .set("schemas", schemas(project)));
}

std::string docs_page(const Project& project) {
  std::string page = fmt::format(fmt::runtime(page_begin), escaped(project.name));
  const Json description = openapi(project);
  for (const auto& [path, methods] : description["paths"].as_object()) {
    for (const auto& [method, operation] : methods.as_object()) {
      std::string verb = method;
      for (char& c : verb) c = static_cast<char>(c & ~32);
      page += fmt::format("<h2><span class=\"m\">{}</span> <code>{}</code></h2><p>{}. {}</p>", verb,
                          escaped(path), escaped(operation["summary"].as_string()),
                          escaped(operation["description"].as_string()));
      page += "<table>";
      for (const Json& each : operation["parameters"].as_array()) {
        page += fmt::format("<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                            escaped(each["name"].as_string()), escaped(each["in"].as_string()),
                            escaped(each["description"].as_string()));
      }
      page += "</table>";
    }
  }
  for (const Table& table : project.tables) {
    page += fmt::format("<h2>A row of <code>{}</code></h2><table>", escaped(table.name.value()));
    const Json schema = row_schema(table);
    for (const auto& [name, column] : schema["properties"].as_object()) {
      page += fmt::format("<tr><td><code>{}</code></td><td>{}</td></tr>", escaped(name),
                          escaped(column["description"].as_string()));
    }
    page += "</table>";
  }
  return page + "</body></html>\n";
}

}  // namespace weir::api
