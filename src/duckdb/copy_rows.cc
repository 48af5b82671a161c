#include "duckdb/copy_rows.h"

#include "duckdb/native.h"

namespace weir::duckdb {
namespace {

struct Copy {
  duckdb_result rows{};
  duckdb_appender appender = nullptr;
  duckdb_data_chunk chunk = nullptr;

  ~Copy() {
    if (chunk != nullptr) duckdb_destroy_data_chunk(&chunk);
    if (appender != nullptr) duckdb_appender_destroy(&appender);
    duckdb_destroy_result(&rows);
  }
  bool next() {
    if (chunk != nullptr) duckdb_destroy_data_chunk(&chunk);
    chunk = duckdb_fetch_chunk(rows);
    return chunk != nullptr;
  }
  /// DuckDB would gather a hundred chunks, in memory that its limit does not count.
  bool append() {
    return duckdb_append_data_chunk(appender, chunk) == DuckDBSuccess &&
           duckdb_appender_flush(appender) == DuckDBSuccess;
  }
};

}  // namespace

Result<uint64_t> copy_rows(Statement& query, std::span<const Parameter> parameters, Connection& to,
                           const std::string& table, const std::function<bool()>& go_on) {
  Copy copy;
  if (duckdb_appender_create_ext(static_cast<duckdb_connection>(to.native()), "temp", "main",
                                 table.c_str(), &copy.appender) != DuckDBSuccess) {
    return fail(make_error(duckdb_appender_error(copy.appender)));
  }
  WEIR_TRY(query.bind(parameters));
  WEIR_TRY(query.start_streaming(&copy.rows));
  uint64_t rows = 0;
  while (copy.next()) {
    if (!go_on()) return fail(ErrorCode::cancelled, "copying rows was stopped");
    rows += duckdb_data_chunk_get_size(copy.chunk);
    if (!copy.append()) return fail(make_error(duckdb_appender_error(copy.appender)));
  }
  if (const char* error = duckdb_result_error(&copy.rows); error != nullptr) {
    return fail(make_error(error));
  }
  if (duckdb_appender_close(copy.appender) != DuckDBSuccess) {
    return fail(make_error(duckdb_appender_error(copy.appender)));
  }
  return rows;
}

}  // namespace weir::duckdb
