#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/data_type.h"
#include "server/column_view.h"

namespace weir::server {

/// A parameter or a result's cell, as the engine spells it in text; nullopt = NULL.
using Cell = std::optional<std::string>;

/// A small result, held in memory.
struct Rows {
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
  uint64_t changed = 0;  ///< rows inserted, updated or deleted by the statement

  size_t size() const { return rows.size(); }
  /// 0 when NULL or no number.
  int64_t int64(size_t row, size_t column) const;
  std::string text(size_t row, size_t column) const { return rows[row][column].value_or(""); }
};

/// A column of a statement's rows, as the server describes it.
struct QueryColumn {
  std::string name;
  /// weir's type like the server's, which may have values that it has not (a decimal's NaN, a day
  /// 0000-00-00): who reads them refuses them. varchar where weir has no type like it: any text as
  /// the server spells it.
  DataType type;

  bool operator==(const QueryColumn&) const = default;
};

/// What a bulk load fills.
struct BulkTarget {
  std::string schema;  ///< empty: where the session's own tables are
  std::string table;   ///< not quoted
  struct Column {
    std::string name;  ///< not quoted
    DataType type;     ///< of the batches
  };
  std::vector<Column> columns;
};

/// Rows on their way into one table, inside the session's transaction. Abandoned (and the
/// transaction with it) when it is destroyed before finish().
class BulkLoad {
 public:
  virtual ~BulkLoad() = default;
  /// The batch may go when this returns: what of it is not sent yet was encoded. Errors as of
  /// Connection::run; also invalid_input: a value that the target's type cannot hold, which weir's
  /// type table promises to have rejected before.
  virtual Result<void> append(const RowBatch& batch) = 0;
  /// All is in the table when this returns. Gives how many rows the server took.
  virtual Result<uint64_t> finish() = 0;
  /// The slower way the rows travel, and what keeps them from the usual one, for receipts: "COPY
  /// text: column mood is mood". Empty: they go the usual way.
  virtual std::string way() const { return {}; }
};

/// What a server says of a statement it refused.
struct Refusal {
  /// Whether rows of the statement are to blame, one by one: a constraint, a trigger, a value.
  bool by_row = false;
  std::string state;       ///< SQLSTATE, e.g. "23505"
  std::string constraint;  ///< its name, where the server tells
  std::string column;      ///< likewise
  std::string routine;     ///< the function that raised it, or in which it happened, likewise
  std::string message;     ///< the server's own
  uint64_t row = 0;        ///< which row of the bulk load, from 1; 0: it does not tell
  uint64_t position = 0;   ///< which character of the statement, from 1; 0: it does not tell
};

/// One session of a server; one thread at a time, except `interrupt`.
///
/// Errors of all that talk to it: unavailable (it cannot be reached, it went away, it restarts:
/// nothing is known of a COMMIT that was on its way), busy (a deadlock, a lock that is held too
/// long, too many connections), io (its disk is full), cancelled (interrupted), sql (anything else
/// it refuses, with its SQLSTATE, detail and hint). No message holds a password.
class Connection {
 public:
  virtual ~Connection() = default;

  /// One statement. Parameters are written $1, $2, … for every engine.
  virtual Result<Rows> run(const std::string& sql, std::span<const Cell> parameters = {}) = 0;
  /// The columns of a statement's rows, without running it; none: it gives no rows. `parameters`:
  /// how many $1, $2, … it has.
  virtual Result<std::vector<QueryColumn>> describe(const std::string& sql,
                                                    size_t parameters = 0) = 0;
  using RowReader = std::function<bool(std::span<const Cell>)>;
  using ColumnsReader = std::function<bool(const std::vector<QueryColumn>&)>;
  /// A statement's rows one by one, in bounded memory, until `row` gives false. `columns`, when
  /// given, is told before the first of them, and when there is none; false: no rows are wanted.
  /// Cells are spelled as duckdb/server_spelling.h reads them: t and f, or 1 and 0; dates and times
  /// in ISO order; moments in UTC; bytes as \x00ff.
  virtual Result<void> stream(const std::string& sql, std::span<const Cell> parameters,
                              const RowReader& row, const ColumnsReader& columns = {}) = 0;
  virtual Result<void> begin() = 0;
  /// A transaction that sees the rows of one moment, and writes to temporary tables alone.
  virtual Result<void> begin_snapshot() = 0;
  virtual Result<void> commit() = 0;
  /// Has the server check now what it would check at COMMIT; what comes after is deferred again.
  virtual Result<void> check_deferred() = 0;
  /// Also after a failure, and when there is nothing to roll back.
  virtual void rollback() = 0;
  virtual Result<std::unique_ptr<BulkLoad>> bulk_load(const BulkTarget& target) = 0;

  /// Of the last statement that failed with `sql`, or bulk load with that or invalid_input; empty
  /// otherwise.
  virtual const Refusal& refusal() const = 0;
  /// Whether the session can be used on; false once the connection is lost.
  virtual bool works() const = 0;
  /// Makes the statement at work end with `cancelled`. From any thread.
  virtual void interrupt() = 0;
  /// E.g. "PostgreSQL 15.8", "MariaDB 10.11.6".
  virtual std::string version() const = 0;

  virtual std::string quote_identifier(std::string_view name) const = 0;
  virtual std::string quote_literal(std::string_view text) const = 0;
};

}  // namespace weir::server
