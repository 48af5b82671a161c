#include "pipeline/fetched_query.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/sql_fragment.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

std::string relation(const std::string& table) { return "temp." + quote_identifier(table); }

/// DuckDB has no columns of the type that a bare NULL has.
std::string column_type(const duckdb::ResultColumn& column) {
  return column.type == "\"NULL\"" ? "INTEGER" : column.type;
}

Result<void> check_names(const std::vector<duckdb::ResultColumn>& columns, const SqlStep& step) {
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string& name = columns[i].name;
    if (is_reserved_name(name)) {
      return fail(
          ErrorCode::sql,
          "the query gives a column '" + name + "', and names that begin with weir_ are weir's own",
          "give it another name", step.sql.location);
    }
    const auto before = columns.begin() + static_cast<ptrdiff_t>(i);
    const bool twice = std::any_of(columns.begin(), before,
                                   [&](const auto& other) { return same_name(other.name, name); });
    if (!twice) continue;
    return fail(ErrorCode::sql, "the query gives two columns '" + name + "'",
                "name them apart: … AS name", step.sql.location);
  }
  return {};
}

Result<std::unique_ptr<QueryOrigin>> origin_of(const Project& project, const PipelineParts& parts,
                                               Databases* databases, server::Connection* own) {
  const SqlStep& step = *parts.sql;
  if (step.database != parts.table->database) own = nullptr;
  if (databases == nullptr && own == nullptr) {
    return fail(ErrorCode::internal, "a sql step's database cannot be reached from here");
  }
  const Engine engine = project.find_database(step.database)->engine;
  if (engine == Engine::duckdb) return duckdb_origin(*databases, step, *parts.pipeline);
  return server_origin(databases, own, engine, step, *parts.pipeline);
}

}  // namespace

Result<std::unique_ptr<FetchedQuery>> FetchedQuery::open(duckdb::Connection& connection,
                                                         const Project& project,
                                                         const PipelineParts& parts,
                                                         Databases* databases,
                                                         server::Connection* own) {
  static std::atomic<int> serial{0};
  auto origin = WEIR_TRY(origin_of(project, parts, databases, own));
  auto query = std::unique_ptr<FetchedQuery>(
      new FetchedQuery(connection, std::move(origin), fmt::format("weir_query_{}", ++serial)));
  query->columns_ = WEIR_TRY(query->origin_->describe());
  WEIR_TRY(check_names(query->columns_, *parts.sql));
  std::string definitions;
  for (const duckdb::ResultColumn& column : query->columns_) {
    definitions += fmt::format("{} {}, ", quote_identifier(column.name), column_type(column));
  }
  WEIR_TRY(connection.run(fmt::format("CREATE TEMP TABLE {} ({}weir_row BIGINT)",
                                      relation(query->table_), definitions)));
  return query;
}

std::string FetchedQuery::source() const { return "SELECT * FROM " + relation(table_); }

Result<bool> FetchedQuery::has_changed() {
  const auto now = WEIR_TRY(origin_->describe());
  return !std::ranges::equal(now, columns_, [](const auto& left, const auto& right) {
    return left.name == right.name && left.type == right.type;
  });
}

Result<void> FetchedQuery::fetch(Timestamp scheduled_for, const std::atomic<bool>& stop) {
  WEIR_TRY(clear());
  return origin_->copy(connection_, table_, scheduled_for, stop);
}

Result<void> FetchedQuery::clear() {
  WEIR_TRY(connection_.run("TRUNCATE " + relation(table_)));
  return {};
}

}  // namespace weir::pipeline
