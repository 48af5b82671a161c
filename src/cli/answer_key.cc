#include <fmt/format.h>

#include <algorithm>

#include "cli/answer.h"
#include "cli/frames.h"
#include "model/project_lookup.h"

namespace weir::cli {
namespace {

using text::Json;

std::vector<std::string> names_of(const Json& list) {
  std::vector<std::string> names;
  for (const Json& name : list.as_array()) names.push_back(name.as_string());
  return names;
}

/// A key for something that is not there would be refused for ever, and nobody would know why.
Result<void> check_names(const Project& project, const KeyScopes& scopes, const std::string& plan) {
  for (const std::string& table : scopes.tables) {
    if (project.find_table(TableName(table)) != nullptr) continue;
    return fail(ErrorCode::usage, "there is no table '" + table + "'");
  }
  for (const std::string& query : scopes.named_queries) {
    if (project.api && project.api->find_query(query) != nullptr) continue;
    return fail(ErrorCode::usage, "there is no query '" + query + "'",
                "describe it under 'queries' of 'api'");
  }
  if (plan.empty() || plan == standard_plan) return {};
  if (project.api && project.api->find_plan(plan) != nullptr) return {};
  return fail(ErrorCode::usage, "there is no plan '" + plan + "'",
              "describe it under 'plans' of 'api'");
}

KeyScopes scopes_of(const Json& args) {
  KeyScopes scopes;
  scopes.tables = names_of(args["tables"]);
  scopes.named_queries = names_of(args["queries"]);
  const std::vector<std::string> said = names_of(args["scopes"]);
  const auto says = [&](const char* scope) { return std::ranges::count(said, scope) > 0; };
  if (!said.empty()) {
    scopes.rows = says("rows");
    scopes.queries = says("queries");
    scopes.admin = says("admin");
  } else if (scopes.tables.empty() != scopes.named_queries.empty()) {
    // Who names tables alone means rows alone.
    scopes.rows = !scopes.tables.empty();
    scopes.queries = !scopes.named_queries.empty();
  }
  return scopes;
}

Result<void> create(const Json& args, Services& services, owner::FrameSink& sink) {
  const KeyScopes scopes = scopes_of(args);
  const std::string& plan = args["plan"].as_string();
  WEIR_TRY(check_names(services.project(), scopes, plan));
  runlog::KeyStore& keys = *WEIR_TRY(services.keys());
  const auto made =
      WEIR_TRY(keys.create(args["name"].as_string(), scopes, plan, services.clock().now()));
  if (args["json"].as_bool()) {
    const Json json =
        Json::object().set("key", made.secret).set("id", made.key.id).set("name", made.key.name);
    sink.send(text_frame(json.to_string() + "\n"));
  } else {
    sink.send(
        text_frame(fmt::format("{}\nThis is shown once: keep it now. It is key {}, and "
                               "`weir key revoke {}` ends it.\n",
                               made.secret, made.key.id, made.key.id)));
  }
  return {};
}

std::string scope_text(const ApiKey& key) {
  std::vector<std::string> parts;
  const auto add = [&](bool may, const char* what, const std::vector<std::string>& names) {
    if (may)
      parts.push_back(names.empty() ? what : fmt::format("{} of {}", what, fmt::join(names, ", ")));
  };
  add(key.scopes.rows, "rows", key.scopes.tables);
  add(key.scopes.queries, "queries", key.scopes.named_queries);
  add(key.scopes.admin, "admin", {});
  return fmt::format("{}", fmt::join(parts, "; "));
}

void list(const std::vector<ApiKey>& keys, owner::FrameSink& sink) {
  sink.send(columns_frame({{"id", "VARCHAR"},
                           {"name", "VARCHAR"},
                           {"scope", "VARCHAR"},
                           {"plan", "VARCHAR"},
                           {"created", "TIMESTAMP"},
                           {"revoked", "TIMESTAMP"}}));
  RowFrames rows(sink);
  for (const ApiKey& key : keys) {
    const std::string plan = key.plan.empty() ? std::string(standard_plan) : key.plan;
    rows.add({key.id, key.name, scope_text(key), plan, format_timestamp(key.created),
              key.revoked ? std::optional(format_timestamp(*key.revoked)) : std::nullopt});
  }
  rows.flush();
}

}  // namespace

Result<void> answer_key(const Json& args, Services& services, owner::FrameSink& sink) {
  const std::string& action = args["action"].as_string();
  if (action == "create") return create(args, services, sink);
  runlog::KeyStore& keys = *WEIR_TRY(services.keys());
  if (action == "revoke") {
    const ApiKey ended = WEIR_TRY(keys.revoke(args["name"].as_string(), services.clock().now()));
    list({ended}, sink);
    return {};
  }
  if (action != "list") return fail(ErrorCode::usage, "keys know no action '" + action + "'");
  list(keys.list(), sink);
  return {};
}

}  // namespace weir::cli
