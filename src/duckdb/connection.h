#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "duckdb/database.h"

namespace weir::duckdb {

struct DateValue {
  int32_t days = 0;  ///< since 1970-01-01
};
struct TimestampValue {
  int64_t micros = 0;  ///< since 1970-01-01T00:00:00Z
};
using Parameter =
    std::variant<std::monostate, bool, int64_t, double, std::string, DateValue, TimestampValue>;

/// A small result held in memory: counts, ledger entries, descriptions.
class Rows {
 public:
  explicit Rows(void* native_result);  // takes a heap-allocated duckdb_result
  ~Rows();
  Rows(Rows&&) noexcept;
  Rows& operator=(Rows&&) noexcept;

  size_t size() const;
  size_t column_count() const;
  std::string column_name(size_t column) const;
  bool is_null(size_t row, size_t column) const;
  int64_t int64(size_t row, size_t column) const;  ///< 0 when NULL
  /// Empty when NULL, and for types the C API does not print (timestamptz, lists): cast them.
  std::string text(size_t row, size_t column) const;
  int64_t changed() const;  ///< rows inserted, updated or deleted by the statement

 private:
  friend class Connection;
  friend class Statement;
  Result<Rows> finish(bool succeeded);
  void* result_;
};

/// A prepared statement; keeps working when tables change (DuckDB plans it again).
class Statement {
 public:
  explicit Statement(void* native, std::string sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Errors: sql, io, cancelled (interrupted).
  Result<Rows> run(std::span<const Parameter> parameters = {});
  /// The position of a named parameter ($name) from 1; 0 when the statement has none of that name.
  size_t parameter_index(const std::string& name) const;
  size_t parameter_count() const;

 private:
  friend class BatchStream;
  friend class Connection;
  friend Result<uint64_t> copy_rows(Statement& query, std::span<const Parameter> parameters,
                                    Connection& to, const std::string& table,
                                    const std::function<bool()>& go_on);
  Result<void> bind(std::span<const Parameter> parameters);
  /// Runs it with what was bound; rows come as `native_result` (a duckdb_result) is fetched from.
  Result<void> start_streaming(void* native_result);

  void* native_;
  std::string sql_;
};

/// Appends rows to a table inside the connection's transaction, in the table's column order.
class Appender {
 public:
  explicit Appender(void* native);
  ~Appender();
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;

  Result<void> row(std::span<const Parameter> values);
  Result<void> close();

 private:
  Result<void> checked(int state);

  void* native_;
  size_t unflushed_ = 0;
};

/// One session; one thread at a time, except `interrupt`.
class Connection {
 public:
  explicit Connection(void* native);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs one statement, or several without parameters. Errors: sql, io, cancelled.
  Result<Rows> run(const std::string& sql, std::span<const Parameter> parameters = {});
  Result<std::unique_ptr<Statement>> prepare(const std::string& sql);
  Result<std::unique_ptr<Appender>> appender(const std::string& catalog, const std::string& schema,
                                             const std::string& table);
  /// Streams a SELECT's rows as text in bounded memory.
  Result<void> stream(const std::string& select, const RowSink& sink);
  /// Names and types of a SELECT's columns, without running it.
  Result<std::vector<ResultColumn>> describe(const std::string& select);
  void interrupt();

  void* native() const { return native_; }

 private:
  void* native_;
};

/// Rolls back when it goes out of scope without a commit.
class Transaction {
 public:
  /// read_only: writing fails, but to temporary tables.
  enum class Access { read_write, read_only };
  static Result<Transaction> begin(Connection& connection, Access access = Access::read_write);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;

  Result<void> commit();
  void rollback();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace weir::duckdb
