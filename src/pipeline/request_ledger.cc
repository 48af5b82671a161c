#include "pipeline/request_ledger.h"

#include <fmt/format.h>

namespace weir::pipeline {
namespace {

/// Of one statement: few enough for every server's limits on parameters.
constexpr size_t rows_at_once = 250;
constexpr size_t columns = 4;

/// Microseconds since 1970: no engine spells them in a way of its own.
std::string micros(Timestamp time) { return std::to_string(time.time_since_epoch().count()); }

std::string placeholders(size_t first, size_t count) {
  std::string list;
  for (size_t i = 0; i < count; ++i) list += fmt::format("{}${}", i == 0 ? "" : ", ", first + i);
  return list;
}

}  // namespace

Result<std::vector<RequestLedger::Row>> RequestLedger::run(
    const std::string& sql, std::span<const std::string> parameters) {
  std::vector<Row> out;
  if (server::Connection* server = session_.server()) {
    const std::vector<server::Cell> cells(parameters.begin(), parameters.end());
    const auto rows = WEIR_TRY(server->run(sql, cells));
    for (size_t i = 0; i < rows.size(); ++i) {
      Row& row = out.emplace_back();
      for (size_t c = 0; c < rows.rows[i].size(); ++c) row.push_back(rows.text(i, c));
    }
    return out;
  }
  const std::vector<duckdb::Parameter> values(parameters.begin(), parameters.end());
  const auto rows = WEIR_TRY(session_.connection().run(sql, values));
  for (size_t i = 0; i < rows.size(); ++i) {
    Row& row = out.emplace_back();
    for (size_t c = 0; c < columns - 1; ++c) row.push_back(rows.text(i, c));
  }
  return out;
}

Result<void> RequestLedger::prepare() {
  const bool mysql = session_.engine() == Engine::mysql;
  const char* text = mysql ? "LONGTEXT" : "TEXT";
  // DuckDB's indexes are held in memory: there weir, the only writer, sees to it that a key comes
  // once.
  const char* key = mysql                          ? "VARCHAR(700) PRIMARY KEY"
                    : session_.server() != nullptr ? "TEXT PRIMARY KEY"
                                                   : "TEXT NOT NULL";
  WEIR_TRY(run(fmt::format("CREATE TABLE IF NOT EXISTS weir_requests (request_key {}, digest "
                           "CHAR(64) NOT NULL, receipt {} NOT NULL, committed_us BIGINT NOT "
                           "NULL){}",
                           key, text,
                           mysql ? " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" : ""),
               {}));
  return {};
}

Result<void> RequestLedger::each_key(const std::function<void(std::string_view)>& tell) {
  const duckdb::RowSink sink{nullptr, [&](const auto& cells) {
                               tell(cells.front().value_or(""));
                               return true;
                             }};
  return session_.connection().stream("SELECT request_key FROM weir_requests", sink);
}

Result<std::vector<StoredRequest>> RequestLedger::find(std::span<const std::string> keys) {
  std::vector<StoredRequest> found;
  for (; !keys.empty(); keys = keys.subspan(std::min(rows_at_once, keys.size()))) {
    const auto some = keys.first(std::min(rows_at_once, keys.size()));
    const auto rows =
        WEIR_TRY(run("SELECT request_key, digest, receipt FROM weir_requests WHERE request_key "
                     "IN (" +
                         placeholders(1, some.size()) + ")",
                     some));
    for (const Row& row : rows) found.push_back({row[0], row[1], row[2], {}});
  }
  return found;
}

Result<void> RequestLedger::write(std::span<const StoredRequest> requests) {
  for (; !requests.empty(); requests = requests.subspan(std::min(rows_at_once, requests.size()))) {
    std::string values;
    std::vector<std::string> parameters;
    for (const StoredRequest& request : requests.first(std::min(rows_at_once, requests.size()))) {
      values += fmt::format("{}({}, {})", values.empty() ? "" : ", ",
                            placeholders(parameters.size() + 1, columns - 1),
                            micros(request.committed_at));
      parameters.insert(parameters.end(), {request.key, request.digest, request.receipt});
    }
    auto written = run(
        "INSERT INTO weir_requests (request_key, digest, receipt, committed_us) VALUES " + values,
        parameters);
    if (written) continue;
    const bool taken = session_.server() != nullptr && session_.server()->refusal().by_row;
    if (!taken) return fail(written.error());
    return fail(ErrorCode::busy, "the same request is being answered elsewhere", "ask again");
  }
  return {};
}

Result<void> RequestLedger::forget(Timestamp before) {
  WEIR_TRY(run("DELETE FROM weir_requests WHERE committed_us < " + micros(before), {}));
  return {};
}

}  // namespace weir::pipeline
