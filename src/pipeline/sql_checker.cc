#include "pipeline/sql_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "duckdb/connection.h"
#include "duckdb/scan.h"
#include "duckdb/sql_walk.h"
#include "pipeline/default_value.h"
#include "pipeline/drift.h"
#include "pipeline/named_query.h"
#include "pipeline/named_sql.h"
#include "pipeline/row_query.h"
#include "pipeline/run_variables.h"
#include "pipeline/server_sql.h"
#include "pipeline/set_rules.h"
#include "pipeline/sql_fragment.h"
#include "text/json.h"

namespace weir::pipeline {
namespace {

using config::Diagnostic;
using config::Severity;

/// What DuckDB says of a statement, without its prefix and its drawing of the place.
struct SqlMessage {
  std::string message;
  std::string fix;
  int position = -1;  // in the statement, from 0
};

SqlMessage understand(const Error& error) {
  SqlMessage out{error.message, error.fix, -1};
  if (const auto json = text::Json::parse(error.message); json && json->is_object()) {
    out.message = (*json)["exception_message"].as_string();
    if (const std::string& at = (*json)["position"].as_string(); !at.empty()) {
      out.position = std::atoi(at.c_str());
    }
  }
  if (const size_t place = out.message.find("\n\nLINE "); place != std::string::npos) {
    out.message.resize(place);
  }
  if (const size_t more = out.message.find('\n'); more != std::string::npos) {
    if (out.fix.empty()) {
      out.fix = out.message.substr(out.message.find_first_not_of('\n', more));
      for (char& c : out.fix) c = c == '\n' ? ' ' : c;
    }
    out.message.resize(more);
  }
  return out;
}

/// `offset`: in the text with stand-ins for run variables; below 0 = unknown.
Location place_in(const SqlText& text, int offset) {
  Location location = text.location;
  if (offset >= 0) offset = offset_before_stand_in(text.text, offset);
  if (text.exact && offset >= 0 && offset <= static_cast<int>(text.text.size())) {
    location.column += offset;
  }
  return location;
}

/// One database of the project, empty and in memory.
struct Shadow {
  std::unique_ptr<duckdb::Database> database;
  std::unique_ptr<duckdb::Connection> connection;
};

class DuckdbSqlChecker final : public config::SqlChecker {
 public:
  std::vector<Diagnostic> check_pipeline(const Project& project, const Pipeline& pipeline) override;
  std::vector<Diagnostic> check_table(const Project& project, const Table& table) override;
  std::vector<Diagnostic> check_query(const Project& project, const NamedQuery& query) override;

 private:
  Result<Shadow*> shadow_of(const Project& project, const DatabaseName& name);
  std::optional<std::string> check_query(const SqlStep& step, Shadow& shadow,
                                         std::vector<Diagnostic>& out);
  std::optional<std::string> query_source(const Project& project, const PipelineParts& parts,
                                          std::vector<Diagnostic>& out);
  void check_rows(const PipelineParts& parts, Shadow& shadow, const std::string& source,
                  duckdb::ScanSlot& slot, std::vector<Diagnostic>& out);

  std::map<DatabaseName, Shadow> shadows_;
};

Diagnostic internal_problem(const Error& error, const Location& location) {
  const SqlMessage said = understand(error);
  return {Severity::error, said.message, said.fix, location};
}

Result<Shadow*> DuckdbSqlChecker::shadow_of(const Project& project, const DatabaseName& name) {
  if (const auto at = shadows_.find(name); at != shadows_.end()) return &at->second;
  duckdb::DatabaseOptions options;
  options.memory_bytes = 64u << 20;
  options.threads = 1;
  Shadow shadow;
  shadow.database = WEIR_TRY(duckdb::Database::open(options));
  shadow.connection = WEIR_TRY(shadow.database->connect());
  for (const Table& table : project.tables) {
    // Tables of other engines stand in for what a sql step there may name.
    if (table.database == name) static_cast<void>(ensure_table(*shadow.connection, table));
  }
  WEIR_TRY(shadow.connection->run("SET errors_as_json = true"));
  return &shadows_.emplace(name, std::move(shadow)).first->second;
}

Diagnostic misfit(const Column& column, const Rule& rule, const Error& error) {
  const SqlMessage said = understand(error);
  return {Severity::error,
          fmt::format("the rule '{}' of column '{}' does not fit: {}", rule.text, column.name,
                      said.message),
          said.fix, rule.location};
}

void check_default(const Column& column, Shadow& shadow, std::vector<Diagnostic>& out) {
  const auto made = compile_default(*shadow.database, *shadow.connection, column, "v");
  if (!made) out.push_back(misfit(column, *default_rule(column), made.error()));
}

void check_predicate(const Table& table, const Column& column, const Rule& rule, Shadow& shadow,
                     std::vector<Diagnostic>& out) {
  if (const auto error = check_fragment(rule.predicate)) {
    out.push_back(misfit(column, rule, *error));
    return;
  }
  const auto described = shadow.connection->describe(
      fmt::format("SELECT ({}\n) FROM {}", rule.predicate, target_name(table)));
  if (!described) {
    out.push_back(misfit(column, rule, described.error()));
  } else if (described->front().type != "BOOLEAN") {
    out.push_back({Severity::error,
                   fmt::format("the rule '{}' of column '{}' is {} and not true or false",
                               rule.text, column.name, described->front().type),
                   "compare it with something", rule.location});
  } else if (!shadow.connection->describe(fmt::format("SELECT 1 FROM {} WHERE ({}\n)",
                                                      target_name(table), rule.predicate))) {
    out.push_back({Severity::error,
                   fmt::format("the rule '{}' of column '{}' looks at more than its row", rule.text,
                               column.name),
                   "aggregates and window functions belong into a sql step", rule.location});
  }
}

std::vector<Diagnostic> DuckdbSqlChecker::check_table(const Project& project, const Table& table) {
  std::vector<Diagnostic> out;
  auto shadow = shadow_of(project, table.database);
  if (!shadow) return {internal_problem(shadow.error(), table.location)};
  for (const Column& column : table.columns) {
    for (const Rule& rule : column.rules) {
      if (rule.kind == RuleKind::default_) {
        check_default(column, **shadow, out);
      } else if (!rule.predicate.empty()) {
        check_predicate(table, column, rule, **shadow, out);
      }
    }
  }
  return out;
}

Location column_location(const PipelineParts& parts, const std::string& column) {
  for (auto step = parts.row_steps.rbegin(); step != parts.row_steps.rend(); ++step) {
    const auto* select = std::get_if<SelectStep>(*step);
    const auto* aggregate = std::get_if<AggregateStep>(*step);
    if (select == nullptr && aggregate == nullptr) continue;
    for (const SelectItem& item : select != nullptr ? select->items : aggregate->items) {
      if (item.name == column) return item.expression.location;
    }
  }
  return parts.load->location;
}

/// SQL of the relation that a sql step gives in a DuckDB; nothing when it gives none.
std::optional<std::string> DuckdbSqlChecker::check_query(const SqlStep& step, Shadow& shadow,
                                                         std::vector<Diagnostic>& out) {
  const std::string own = stand_in_run_variables(step.sql.text);
  const std::string before = "SELECT * FROM (\n";
  const auto bound = shadow.connection->describe(before + own + "\n)");
  if (bound) return sql_source(step);
  const SqlMessage said = understand(bound.error());
  const int prefix = static_cast<int>(std::string("DESCRIBE ").size() + before.size());
  out.push_back({Severity::error, said.message, said.fix,
                 place_in(step.sql, said.position < 0 ? -1 : said.position - prefix)});
  return std::nullopt;
}

/// The same where the rows may be worked on in another database; nothing also when only a server
/// could say what they are. A server's step with a text for DuckDB gives what that gives.
std::optional<std::string> DuckdbSqlChecker::query_source(const Project& project,
                                                          const PipelineParts& parts,
                                                          std::vector<Diagnostic>& out) {
  SqlStep step = *parts.sql;
  const Engine engine = project.find_database(step.database)->engine;
  if (engine != Engine::duckdb) {
    if (const auto sql = ServerSql::make(step.sql, engine); !sql) {
      out.push_back({Severity::error, sql.error().message, sql.error().fix, sql.error().location});
    }
    if (!step.duckdb) return std::nullopt;
    step.sql = *step.duckdb;
  }
  auto shadow = shadow_of(project, step.database);
  if (!shadow) {
    out.push_back(internal_problem(shadow.error(), step.location));
    return std::nullopt;
  }
  auto source = check_query(step, **shadow, out);
  if (!source || !parts.fetched) return source;
  const auto columns = (*shadow)->connection->describe(*source);
  std::string rows;
  for (const duckdb::ResultColumn& column : *columns) {
    rows += fmt::format("{}CAST(NULL AS {}) AS {}", rows.empty() ? "SELECT " : ", ",
                        column.type == "\"NULL\"" ? "INTEGER" : column.type,
                        duckdb::quote_identifier(column.name));
  }
  return rows;
}

void DuckdbSqlChecker::check_rows(const PipelineParts& parts, Shadow& shadow,
                                  const std::string& source, duckdb::ScanSlot& slot,
                                  std::vector<Diagnostic>& out) {
  std::vector<SqlProblem> problems;
  const auto compiled = compile_rows(parts, *shadow.database, *shadow.connection, source, slot.id(),
                                     slot.first_sql_rule(), nullptr, &problems);
  for (const SqlProblem& problem : problems) {
    const SqlMessage said = understand(problem.error);
    if (problem.location.line > 0) {
      out.push_back({Severity::error, said.message, said.fix, problem.location});
      continue;
    }
    const int offset = said.position < 0 ? -1 : said.position - problem.prefix_bytes;
    out.push_back({Severity::error, said.message, said.fix,
                   problem.text != nullptr ? place_in(*problem.text, offset)
                                           : column_location(parts, problem.column)});
  }
  if (!compiled && problems.empty()) {
    out.push_back(internal_problem(compiled.error(), parts.pipeline->location));
  }
}

std::vector<Diagnostic> DuckdbSqlChecker::check_pipeline(const Project& project,
                                                         const Pipeline& pipeline) {
  std::vector<Diagnostic> out;
  const auto parts = take_apart(project, pipeline);
  if (!parts) {
    if (parts.error().code == ErrorCode::not_yet) return out;  // the loader has noted it
    const Location& location =
        parts.error().location.line > 0 ? parts.error().location : pipeline.location;
    return {{Severity::error, parts.error().message, parts.error().fix, location}};
  }
  auto shadow = shadow_of(project, parts->table->database);
  if (!shadow) return {internal_problem(shadow.error(), pipeline.location)};
  duckdb::ScanSlot slot(*(*shadow)->database, Format::json, parts->source_columns, CsvDialect{});
  slot.set_defaults(defaulted_sources(*parts));
  std::optional<std::string> source = fmt::format("SELECT * FROM weir_scan({})", slot.id());
  if (parts->sql != nullptr) source = query_source(project, *parts, out);
  if (source) check_rows(*parts, **shadow, *source, slot, out);
  return out;
}

Diagnostic query_problem(const NamedQuery& query, const RewrittenSql& text, const Error& error) {
  SqlMessage said = understand(error);
  said.message = "query '" + query.name + "': " + said.message;
  const int before = static_cast<int>(std::string("DESCRIBE ").size());
  const int at = std::max(said.position - before, 0);
  return {Severity::error, said.message, said.fix,
          text.place(text.source_of(static_cast<size_t>(at)))};
}

std::vector<Diagnostic> DuckdbSqlChecker::check_query(const Project& project,
                                                      const NamedQuery& query) {
  const Engine engine = project.find_database(query.database)->engine;
  std::vector<Diagnostic> out;
  for (const Error& problem : NamedSql::problems(query, engine)) {
    out.push_back({Severity::error, "query '" + query.name + "': " + problem.message, problem.fix,
                   problem.location});
  }
  if (!out.empty() || engine != Engine::duckdb) return out;
  auto shadow = shadow_of(project, query.database);
  if (!shadow) return {internal_problem(shadow.error(), query.location)};
  const auto sql = NamedSql::make(query, engine);
  const RewrittenSql& text = sql->without_parameters();
  if (!duckdb::begins_like_a_query(text.sql())) {
    return {{Severity::error, "query '" + query.name + "' is not a query",
             "write a SELECT, without a semicolon", query.sql.location}};
  }
  const auto columns = (*shadow)->connection->describe(text.sql());
  if (!columns) return {query_problem(query, text, columns.error())};
  if (const auto named = check_column_names(query, *columns); !named) {
    return {{Severity::error, named.error().message, named.error().fix, named.error().location}};
  }
  return out;
}

}  // namespace

std::unique_ptr<config::SqlChecker> make_sql_checker() {
  return std::make_unique<DuckdbSqlChecker>();
}

}  // namespace weir::pipeline
