// The simplest durable queue that does what weir does with small files, for bench/run.py: a loop
// over a SQLite table of jobs; each job is marked as begun, loaded by DuckDB together with a ledger
// row in one transaction, and marked as done. Prints the seconds the jobs took.
//   queue_peer FOLDER-OF-FILES DATABASE QUEUE
#include <duckdb.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

[[noreturn]] void stop(const char* what, const char* why) {
  std::fprintf(stderr, "%s: %s\n", what, why);
  std::exit(1);
}

class Queue {
 public:
  explicit Queue(const char* path) {
    if (sqlite3_open(path, &handle_) != SQLITE_OK) stop(path, sqlite3_errmsg(handle_));
    // As weir does it: what was promised is synced, what can be done again is not.
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        "CREATE TABLE jobs (number INTEGER PRIMARY KEY, file TEXT NOT NULL, state INTEGER NOT "
        "NULL);"
        "CREATE INDEX waiting ON jobs (number) WHERE state = 0");
    begin_ = prepare(
        "UPDATE jobs SET state = 1 WHERE number = (SELECT min(number) FROM jobs WHERE state = 0) "
        "RETURNING number, file");
    end_ = prepare("UPDATE jobs SET state = 2 WHERE number = ?");
  }
  ~Queue() {
    sqlite3_finalize(begin_);
    sqlite3_finalize(end_);
    sqlite3_close(handle_);
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  void run(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
      stop(sql, sqlite3_errmsg(handle_));
    }
  }
  size_t fill(const char* folder) {
    size_t files = 0;
    run("BEGIN");
    sqlite3_stmt* add = prepare("INSERT INTO jobs (file, state) VALUES (?, 0)");
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string path = entry.path().string();
      sqlite3_bind_text(add, 1, path.c_str(), -1, SQLITE_TRANSIENT);
      if (sqlite3_step(add) != SQLITE_DONE) stop("insert", sqlite3_errmsg(handle_));
      sqlite3_reset(add);
      ++files;
    }
    sqlite3_finalize(add);
    run("COMMIT");
    return files;
  }
  /// False: there is none.
  bool take(int64_t& number, std::string& file) {
    const bool found = sqlite3_step(begin_) == SQLITE_ROW;
    if (found) {
      number = sqlite3_column_int64(begin_, 0);
      file = reinterpret_cast<const char*>(sqlite3_column_text(begin_, 1));
    }
    sqlite3_reset(begin_);
    return found;
  }
  void done(int64_t number) {
    sqlite3_bind_int64(end_, 1, number);
    if (sqlite3_step(end_) != SQLITE_DONE) stop("done", sqlite3_errmsg(handle_));
    sqlite3_reset(end_);
  }

 private:
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr) != SQLITE_OK) {
      stop(sql, sqlite3_errmsg(handle_));
    }
    return statement;
  }
  sqlite3* handle_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* end_ = nullptr;
};

void run(duckdb_connection connection, const std::string& sql) {
  duckdb_result result;
  if (duckdb_query(connection, sql.c_str(), &result) != DuckDBSuccess) {
    stop(sql.c_str(), duckdb_result_error(&result));
  }
  duckdb_destroy_result(&result);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) stop("usage", "queue_peer FOLDER DATABASE QUEUE");
  duckdb_database database;
  duckdb_connection connection;
  if (duckdb_open(argv[2], &database) != DuckDBSuccess ||
      duckdb_connect(database, &connection) != DuckDBSuccess) {
    stop(argv[2], "cannot be opened");
  }
  run(connection, "CREATE TABLE rows (n BIGINT NOT NULL, name VARCHAR)");
  run(connection, "CREATE TABLE ledger (file VARCHAR, done TIMESTAMP)");
  Queue queue(argv[3]);
  const size_t files = queue.fill(argv[1]);
  const auto begin = std::chrono::steady_clock::now();
  int64_t number = 0;
  std::string file;
  size_t done = 0;
  for (; queue.take(number, file); ++done) {
    run(connection, "BEGIN");
    run(connection, "INSERT INTO rows SELECT n, name FROM read_json('" + file +
                        "', format='newline_delimited', columns={n: 'BIGINT', name: 'VARCHAR'})");
    run(connection, "INSERT INTO ledger VALUES ('" + file + "', now())");
    run(connection, "COMMIT");
    queue.done(number);
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  if (done != files) stop("jobs", "not all were done");
  std::printf("%.3f\n", elapsed.count());
  return 0;
}
