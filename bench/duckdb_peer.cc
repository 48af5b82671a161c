// Bare DuckDB doing a job that weir does, for bench/run.py: runs the statements in one database
// file and prints the seconds they took.
//   duckdb_peer --version
//   duckdb_peer DATABASE SQL…
#include <duckdb.h>

#include <chrono>
#include <cstdio>
#include <cstring>

namespace {

bool run(duckdb_connection connection, const char* sql) {
  duckdb_result result;
  const bool ok = duckdb_query(connection, sql, &result) == DuckDBSuccess;
  if (!ok) std::fprintf(stderr, "%s\n", duckdb_result_error(&result));
  duckdb_destroy_result(&result);
  return ok;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::printf("%s\n", duckdb_library_version());
    return 0;
  }
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s DATABASE SQL...\n", argv[0]);
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  duckdb_database database;
  duckdb_connection connection;
  if (duckdb_open(argv[1], &database) != DuckDBSuccess ||
      duckdb_connect(database, &connection) != DuckDBSuccess) {
    std::fprintf(stderr, "cannot open %s\n", argv[1]);
    return 1;
  }
  bool ok = true;
  for (int i = 2; ok && i < argc; ++i) ok = run(connection, argv[i]);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  std::printf("%.3f\n", elapsed.count());
  return ok ? 0 : 1;
}
