#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "duckdb/connection.h"
#include "model/project.h"
#include "pipeline/databases.h"
#include "pipeline/ledger.h"
#include "server/connection.h"

namespace weir::pipeline {

/// SQL for the database that tables and their ledger are in, whatever engine that is. Values come
/// as text, and go as literals; what the engines spell differently is asked for here. One thread at
/// a time. Errors: those of the session it speaks through.
class TargetSql {
 public:
  using Cell = server::Cell;
  using Assignments = std::vector<std::pair<std::string, std::string>>;  // column, expression

  virtual ~TargetSql() = default;

  virtual Result<server::Rows> run(const std::string& sql) = 0;
  /// The rows of a SELECT one by one, in bounded memory, until `row` gives false; the session is
  /// for nothing else meanwhile.
  virtual Result<void> stream(const std::string& select,
                              const std::function<bool(std::span<const Cell>)>& row) = 0;

  /// Makes rows of the DuckDB beside the target (the target itself, where that is one) something
  /// that statements here can name: gives SQL to stand in a FROM, with an alias behind it. On a
  /// server they lie in the scratch table `name` until the transaction ends. `columns` are those of
  /// `select`; `like` is a SELECT of the target's whose columns have their names, and their types
  /// there.
  virtual Result<std::string> lend(const std::string& name, const std::string& select,
                                   const std::vector<Column>& columns, const std::string& like) = 0;

  virtual std::string identifier(std::string_view name) const = 0;
  virtual std::string literal(std::string_view text) const = 0;
  virtual std::string table(const Table& table) const = 0;
  /// A text as the ledger can hold it, with a symbol for what the engine's texts cannot.
  virtual std::string storable(std::string text) const = 0;
  /// A moment as a value of a ledger column.
  virtual std::string moment(Timestamp at) const = 0;
  /// A ledger column of moments as text: "2026-01-31T00:00:00Z".
  virtual std::string moment_text(std::string_view column) const = 0;
  /// The number of a new row of weir_rejects; empty: the database numbers it.
  virtual std::string new_reject_id() const = 0;
  /// An UPDATE of `table`, called t, by `rows`, called u, where the condition holds.
  virtual std::string update(const std::string& table, const Assignments& assignments,
                             const std::string& rows, const std::string& condition) const = 0;
};

/// For sessions that somebody else owns, and which must outlive it. `beside`: the target, or what
/// rows for the server are computed in; `server` is null where `beside` is the target.
std::unique_ptr<TargetSql> make_target_sql(duckdb::Connection& beside, server::Connection* server,
                                           Engine engine);

/// A database with sessions of its own.
struct Target {
  Databases::Pointer database;                     ///< as `beside` above
  std::unique_ptr<duckdb::Connection> connection;  ///< of it
  std::unique_ptr<server::Connection> server;      ///< null: the target is `database`
  std::unique_ptr<TargetSql> sql;
  std::unique_ptr<Ledger> ledger;
};

/// Errors: those of Databases::open, or, of a server, of connect().
Result<Target> open_target(Databases& databases, const DatabaseName& name);

}  // namespace weir::pipeline
