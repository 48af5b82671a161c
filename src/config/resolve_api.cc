#include <algorithm>
#include <fstream>
#include <iterator>

#include "config/origin.h"
#include "config/resolve.h"
#include "text/written_value.h"

namespace weir::config {
namespace {

namespace fs = std::filesystem;

constexpr double seconds_per_day = 86'400;

class ApiResolver {
 public:
  ApiResolver(const ApiEntry& entry, Resolving& resolving)
      : entry_(entry), resolving_(resolving), reader_(resolving.reader) {}

  Api resolve() {
    resolve_listener();
    resolve_plans();
    resolve_rows();
    for (const auto& query : entry_.queries) resolve_query(query);
    resolve_origins();
    api_.remember_ms = entry_.remember_ms.value;
    api_.max_queries = static_cast<size_t>(entry_.max_queries.value);
    api_.connections = static_cast<size_t>(entry_.connections.value);
    return std::move(api_);
  }

 private:
  void resolve_listener();
  void resolve_plans();
  void resolve_rows();
  void resolve_query(const Named<QueryEntry>& entry);
  void resolve_parameter(const Named<ParameterEntry>& entry, NamedQuery& query);
  bool read_file(SqlText& sql);
  void resolve_origins();
  fs::path below_root(const std::string& path) const {
    return (resolving_.project.root / path).lexically_normal();
  }
  void check_plan(const Located<std::string>& plan) {
    if (plan.value == standard_plan || api_.find_plan(plan.value) != nullptr) return;
    reader_.error(plan.location, "there is no plan '" + plan.value + "'",
                  "describe it under 'plans' of 'api', or leave it out");
  }

  const ApiEntry& entry_;
  Resolving& resolving_;
  Reader& reader_;
  Api api_;
};

void ApiResolver::resolve_listener() {
  if (entry_.listen.given()) {
    const auto address = parse_listen_address(entry_.listen.value);
    if (address) {
      api_.listen = *address;
    } else {
      reader_.error(entry_.listen.location,
                    "'" + entry_.listen.value + "' is no address to listen on",
                    "write a port, 127.0.0.1:PORT or [::1]:PORT; a host's name will not do");
    }
  }
  if (entry_.tls) {
    api_.certificate = below_root(entry_.tls->certificate.value);
    api_.key = below_root(entry_.tls->key.value);
  } else if (!api_.listen.loopback()) {
    reader_.warning(entry_.listen.location,
                    "keys and rows travel unencrypted to " + api_.listen.to_string(),
                    "give it 'tls', or listen on 127.0.0.1 behind a proxy that has it");
  }
}

void ApiResolver::resolve_plans() {
  for (const auto& entry : entry_.plans) {
    RequestPlan plan;
    plan.name = entry.name;
    plan.rate = entry.value.rate.value.per_second();
    plan.burst = static_cast<double>(entry.value.burst.value);
    if (const auto& quota = entry.value.quota) {
      plan.daily_quota = static_cast<uint64_t>(quota->value.count);
      if (quota->value.seconds != seconds_per_day) {
        reader_.error(quota->location, "a quota is for a day",
                      "write e.g. 1000000/d; 'rate' is for shorter times");
      }
    }
    plan.location = entry.location;
    api_.plans.push_back(std::move(plan));
  }
}

void ApiResolver::resolve_rows() {
  for (const auto& entry : entry_.rows) {
    // A table with an error of its own has been told of.
    if (find_entry(resolving_.entry.tables, entry.name) == nullptr) {
      reader_.error(entry.location, "'rows' of 'api': there is no table '" + entry.name + "'",
                    "name a table of the dictionary");
    }
    check_plan(entry.value.plan);
    RowsRoute route;
    route.table = TableName(entry.name);
    route.plan = entry.value.plan.value;
    route.max_rows = static_cast<uint64_t>(entry.value.max_rows.value);
    route.max_bytes = entry.value.max_bytes.value;
    route.mode = entry.value.mode.value;
    route.location = entry.location;
    api_.rows.push_back(std::move(route));
  }
}

/// Text that ends in .sql and has no blank is a file's path.
bool ApiResolver::read_file(SqlText& sql) {
  if (!sql.text.ends_with(".sql") || sql.text.find_first_of(" \n\t") != std::string::npos) {
    return true;
  }
  const fs::path path = below_root(sql.text);
  const fs::path way = path.lexically_relative(resolving_.project.root);
  if (way.empty() || *way.begin() == "..") {
    reader_.error(sql.location, "'" + sql.text + "' is outside the project's folder",
                  "put the file beside weir.yaml, or below");
    return false;
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || text.empty()) {
    reader_.error(sql.location, "there is no SQL in '" + path.string() + "'",
                  "write the statement there, or here in place of the path");
    return false;
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  sql = {std::move(text), {sql.text, 1, 1}, true};
  return true;
}

void ApiResolver::resolve_query(const Named<QueryEntry>& entry) {
  if (!entry.sound) return;
  NamedQuery query;
  query.name = entry.name;
  query.location = entry.location;
  query.database = DatabaseName(entry.value.database.value);
  query.plan = entry.value.plan.value;
  query.timeout_ms = entry.value.timeout_ms.value;
  check_plan(entry.value.plan);
  if (find_entry(resolving_.entry.databases, entry.value.database.value) == nullptr) {
    reader_.error(entry.value.database.location,
                  "there is no database '" + entry.value.database.value + "'",
                  "name one of 'databases'");
  }
  const DatabaseConfig* database = resolving_.project.find_database(query.database);
  if (database == nullptr) return;  // its own error is enough
  const SqlText* sql = entry.value.sql.find(database->engine);
  if (sql == nullptr) {
    const std::string engine(engine_word(database->engine));
    return reader_.error(entry.location,
                         "query '" + entry.name + "' has no SQL for " + engine +
                             ", the engine of database '" + query.database.value() + "'",
                         "add " + engine + ": …");
  }
  query.sql = *sql;
  for (const auto& each : entry.value.parameters) resolve_parameter(each, query);
  if (read_file(query.sql)) api_.queries.push_back(std::move(query));
}

void ApiResolver::resolve_parameter(const Named<ParameterEntry>& entry, NamedQuery& query) {
  QueryParameter parameter{entry.name, entry.value.type.value, {}, entry.location};
  const bool list = parameter.type.kind == TypeKind::list;
  if (list) {
    reader_.error(entry.location, "parameter '" + entry.name + "' cannot be a list",
                  "give it a plain type, e.g. varchar");
  }
  if (const auto& fallback = entry.value.fallback) {
    parameter.fallback = fallback->value;
    const auto value = text::written_value(parameter.type, fallback->value);
    if (!value && !list) {
      reader_.error(fallback->location,
                    "the default of parameter '" + entry.name + "': " + value.error().message,
                    value.error().fix);
    }
  }
  query.parameters.push_back(std::move(parameter));
}

void ApiResolver::resolve_origins() {
  for (const Located<std::string>& origin : entry_.origins) {
    const bool all = origin.value == "*";
    if (all && entry_.origins.size() > 1) {
      reader_.error(origin.location, "'*' means all origins, so the others mean nothing",
                    "write \"*\" alone, or remove it");
    }
    if (const auto checked = check_origin(origin.value); !all && !checked) {
      reader_.error(origin.location, checked.error().message, checked.error().fix);
      continue;
    }
    if (std::ranges::find(api_.origins, origin.value) == api_.origins.end()) {
      api_.origins.push_back(origin.value);
    }
  }
}

}  // namespace

void resolve_api(Resolving& resolving) {
  const auto& entry = resolving.entry.api;
  if (!entry) return;
  resolving.project.api = ApiResolver(*entry, resolving).resolve();
  complete_api(resolving.project);
}

}  // namespace weir::config
