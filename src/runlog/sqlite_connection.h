#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace weir::runlog {

/// A prepared statement on loan from its connection; given back when it goes out of scope.
class Query {
 public:
  explicit Query(sqlite3_stmt* statement) : statement_(statement) {}
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;
  ~Query();

  /// Binds the next parameter, from 1 up. Text is copied.
  Query& bind(int64_t value);
  Query& bind(std::string_view value);
  Query& bind(std::nullopt_t);
  Query& bind(std::optional<int64_t> value);

  /// Advances to the next row; false after the last one.
  Result<bool> next();
  /// Runs to the end, ready to be bound and run again.
  Result<void> run();

  int64_t integer(int column) const;
  /// Valid until the next call of next().
  std::string_view text(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* statement_;
  int parameter_ = 0;
  int bind_status_ = 0;
};

enum class AccessMode { read_write, read_only };

/// What a commit outlives: the death of this process (nothing is synced), or a power cut as well
/// (one fdatasync). A later commit of the second kind makes all earlier ones durable too.
enum class Durability { process_death, power_cut };

/// One SQLite connection with its cache of prepared statements. One thread at a time: the owner
/// holds a mutex.
class SqliteConnection {
 public:
  /// Errors: io, busy, invalid_input (not a database).
  static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path, AccessMode mode);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  /// One statement; prepared on first use, then cached by its text. The same text may not be in use
  /// twice at once.
  Result<Query> query(std::string_view sql);
  /// Runs one cached statement with these parameters to its end.
  template <class... Values>
  Result<void> run(std::string_view sql, const Values&... values);
  /// Any number of statements without parameters and rows.
  Result<void> execute(const std::string& sql);
  /// Rows changed by the last statement.
  int64_t changes() const;
  /// Steps SQLite's virtual machine has made for query() and run(): what a call costs, without a
  /// clock.
  uint64_t steps() const;

  /// Runs `body` (returning a Result) in one write transaction: committed when it succeeds.
  template <class Body>
  auto transact(Durability durability, Body&& body) -> decltype(body());

 private:
  explicit SqliteConnection(sqlite3* handle) : handle_(handle) {}
  Result<void> begin(Durability durability);
  Result<void> commit();
  void roll_back();

  sqlite3* handle_;
  Durability durability_ = Durability::power_cut;
  std::unordered_map<std::string, sqlite3_stmt*> statements_;
};

template <class... Values>
Result<void> SqliteConnection::run(std::string_view sql, const Values&... values) {
  Query statement = WEIR_TRY(query(sql));
  (statement.bind(values), ...);
  return statement.run();
}

template <class Body>
auto SqliteConnection::transact(Durability durability, Body&& body) -> decltype(body()) {
  WEIR_TRY(begin(durability));
  auto result = body();
  if (!result) {
    roll_back();
    return result;
  }
  if (auto committed = commit(); !committed) {
    roll_back();
    return fail(std::move(committed).error());
  }
  return result;
}

}  // namespace weir::runlog
