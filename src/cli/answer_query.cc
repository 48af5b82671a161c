#include <fmt/format.h>

#include "cli/answer.h"
#include "cli/frames.h"
#include "duckdb/database.h"

namespace weir::cli {
namespace {

Result<DatabaseName> choose_database(const Project& project, const std::string& asked) {
  std::vector<std::string_view> names;
  for (const DatabaseConfig& database : project.databases) names.push_back(database.name.value());
  if (!asked.empty()) {
    if (project.find_database(DatabaseName(asked)) != nullptr) return DatabaseName(asked);
    return fail(ErrorCode::usage, "there is no database '" + asked + "'",
                fmt::format("the project has: {}", fmt::join(names, ", ")));
  }
  if (names.size() == 1) return DatabaseName(std::string(names.front()));
  if (names.empty()) return fail(ErrorCode::usage, "the project has no database");
  return fail(ErrorCode::usage, "the project has several databases",
              fmt::format("say which with --in: {}", fmt::join(names, ", ")));
}

}  // namespace

Result<void> answer_query(const text::Json& args, Services& services, owner::FrameSink& sink) {
  const DatabaseName name = WEIR_TRY(choose_database(services.project(), args["in"].as_string()));
  pipeline::Resources& resources = *WEIR_TRY(services.resources());
  const auto database = WEIR_TRY(resources.databases->open_with_tables(name));
  RowFrames rows(sink);
  bool read = true;
  duckdb::RowSink into;
  into.columns = [&](const std::vector<duckdb::ResultColumn>& columns) {
    std::vector<ResultColumn> named;
    for (const auto& column : columns) named.push_back({column.name, column.type});
    read = sink.send(columns_frame(named));
  };
  into.row = [&](const TableRow& row) { return read && (read = rows.add(row)); };
  WEIR_TRY(duckdb::query_text(*database, args["sql"].as_string(), args["write"].as_bool(), into));
  if (read) rows.flush();
  return {};
}

}  // namespace weir::cli
