#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/project.h"
#include "pipeline/value_limits.h"
#include "server/connection.h"

namespace weir::pipeline {

/// What weir says to a server in SQL, where the engines spell it differently. Texts only: it asks
/// the server nothing. Names come in quoted.
class ServerDialect {
 public:
  virtual ~ServerDialect() = default;
  /// Of the server that the session is of, which need not outlive it.
  static std::unique_ptr<const ServerDialect> of(Engine engine,
                                                 const server::Connection& connection);

  /// The schema where the session's own tables are, as an expression.
  virtual std::string_view current_schema() const = 0;
  /// The type of a column that weir makes, as CREATE TABLE takes it: with what keeps values of
  /// texts apart. Errors: invalid_project (the engine has no such type, or not in a key).
  virtual Result<std::string> column_type(const Table& table, const Column& column,
                                          std::string_view quoted_name) const = 0;
  /// What the column's values must not be for the engine to hold them.
  virtual std::vector<ValueLimit> limits(const Table& table, const Column& column) const = 0;
  /// Behind the list of columns of a CREATE TABLE.
  virtual std::string table_options() const = 0;
  /// Whether an index can hold the table's key and its `unique` columns. Errors: invalid_project.
  virtual Result<void> check_key_length(const Table& table) const = 0;

  /// How long a scratch table is there; without transactions of DDL it is the session in any case.
  enum class Lifetime { transaction, session };
  /// Statements that make an empty table of the session's own, gone at the latest when they are run
  /// again, with columns like those of another table.
  virtual std::vector<std::string> make_scratch(std::string_view scratch, std::string_view columns,
                                                std::string_view like, Lifetime lifetime) const = 0;
  /// To be run when a scratch table was filled; empty: nothing.
  virtual std::string filled_scratch(std::string_view scratch) const = 0;
  /// Whether a bulk load tells of a row that was refused while others wait to be sent, so that to
  /// try costs little.
  virtual bool refuses_early() const = 0;
  /// Sets columns of `target`, called t, to expressions over it and the row of `source`, called u,
  /// that `condition` finds.
  using Assignments = std::vector<std::pair<std::string, std::string>>;  ///< column, expression
  virtual std::string update_from(std::string_view target, std::string_view source,
                                  std::string_view condition,
                                  const Assignments& assignments) const = 0;
  /// Makes what may wait for COMMIT wait; asks for all that waited. Empty: nothing ever does.
  virtual std::string defer_checks() const = 0;
  virtual std::string check_now() const = 0;
  /// A SELECT of the columns of a constraint or unique index, in its order: $1 is the table, $2 the
  /// constraint. `schema` is an expression.
  virtual std::string constraint_columns(std::string_view schema) const = 0;

  /// Whether the two are the same, be it NULL.
  virtual std::string same(std::string_view left, std::string_view right) const = 0;
  /// A parameter for the ledger's moments.
  virtual std::string moment(Timestamp at) const = 0;
  /// The type that spells such a parameter.
  virtual TypeKind moment_kind() const = 0;
  /// A column of the ledger's moments as text: "2026-01-31T00:00:00Z".
  virtual std::string moment_text(std::string_view expression) const = 0;
  /// Whether a text may hold a NUL character.
  virtual bool holds_nul() const = 0;
  /// A parameter for a text column, with a symbol for what the engine's texts cannot hold.
  virtual std::string storable(std::string text) const = 0;
};

}  // namespace weir::pipeline
