#include <fmt/format.h>

#include <chrono>
#include <future>

#include "cli/answer.h"
#include "cli/frames.h"
#include "duckdb/database.h"
#include "pipeline/server_query.h"

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

constexpr std::chrono::milliseconds between_looks{100};

/// In a thread of its own: a server may work long before its first row. When nobody reads any more,
/// its statement is interrupted.
Result<void> query_watched(server::Connection& server, const text::Json& args,
                           const duckdb::RowSink& into, const owner::FrameSink& sink) {
  auto answered = std::async(std::launch::async, [&] {
    return pipeline::query_server(server, args["sql"].as_string(), args["write"].as_bool(), into);
  });
  while (answered.wait_for(between_looks) != std::future_status::ready) {
    if (!sink.wanted()) server.interrupt();
  }
  return answered.get();
}

}  // namespace

Result<void> answer_query(const text::Json& args, Services& services, owner::FrameSink& sink) {
  const DatabaseName name = WEIR_TRY(choose_database(services.project(), args["in"].as_string()));
  pipeline::Resources& resources = *WEIR_TRY(services.resources());
  RowFrames rows(sink);
  bool read = true;
  duckdb::RowSink into;
  into.columns = [&](const std::vector<duckdb::ResultColumn>& columns) {
    std::vector<ResultColumn> named;
    for (const auto& column : columns) named.push_back({column.name, column.type});
    read = sink.send(columns_frame(named));
  };
  into.row = [&](const TableRow& row) { return read && (read = rows.add(row)); };
  if (services.project().find_database(name)->engine != Engine::duckdb) {
    const auto server = WEIR_TRY(resources.databases->connect(name));
    WEIR_TRY(query_watched(*server, args, into, sink));
  } else {
    const auto database = WEIR_TRY(resources.databases->open_with_tables(name));
    WEIR_TRY(duckdb::query_text(*database, args["sql"].as_string(), args["write"].as_bool(), into));
  }
  if (read) rows.flush();
  return {};
}

}  // namespace weir::cli
