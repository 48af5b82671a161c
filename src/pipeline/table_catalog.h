#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/table.h"
#include "server/table_guard.h"
#include "server/type_fit.h"

namespace weir::pipeline {

/// A column of a table that is there.
struct FoundColumn {
  std::string name;
  std::string type;  ///< both as the database spells them
  /// How it takes the values of the dictionary's column of that name.
  server::TypeFit fit = server::TypeFit::lossy;
  std::string reads_as = {};  ///< the type of DuckDB's that its values, as text, are read as
  bool not_null = false;
  bool has_default = false;
  /// Where a column is altered by stating it anew: its type in full; empty when it has more to it.
  std::string restated = {};
};

/// What has a table's name.
struct FoundTable {
  enum class Kind { missing, table, other };
  Kind kind = Kind::missing;
  std::string noun = {};                  ///< of what is no table that can be loaded: "a view"
  std::string fix = {};                   ///< likewise: what to do
  std::vector<FoundColumn> columns = {};  ///< in the database's order

  /// Null when there is none. `name` is spelled as the dictionary spells it.
  const FoundColumn* find_column(const std::string& name) const;
};

/// What one database's catalog says of the dictionary's tables, and how its engine spells what
/// makes and alters them. Reads no row. Errors of what asks: those of the database.
class TableCatalog {
 public:
  virtual ~TableCatalog() = default;

  virtual Result<FoundTable> find(const Table& table) = 0;
  /// What the table has of its own that a load may meet; NOT NULL aside.
  virtual Result<std::vector<server::TableGuard>> guards(const Table& table) = 0;
  /// Whether the database itself is to keep the table's key and its `unique` columns.
  virtual bool keeps_keys() const = 0;
  /// Whether a row that the database refuses is rejected by itself (pipeline/server_refusals.h),
  /// and does not fail its load: on a server.
  bool refuses_row_by_row() const { return keeps_keys(); }

  /// Whether a column is altered by stating all of it anew, so that its type and its NOT NULL are
  /// mended one after the other.
  virtual bool restates_columns() const { return false; }

  virtual std::string quote_identifier(std::string_view name) const = 0;
  /// "schema"."table".
  virtual std::string target(const Table& table) const = 0;
  /// SQL of the column's value as DuckDB reads its text; for databases that are not DuckDB.
  virtual std::string text_of(const FoundColumn& found, const std::string& expression) const;
  /// The type of a column that weir makes, `column` being the table's or lineage's. Errors:
  /// invalid_project (the engine has no such type).
  virtual Result<std::string> type_sql(const Table& table, const Column& column) const = 0;
  /// What makes the table: its schema when it names one, columns, NOT NULL, lineage, and what
  /// keeps_keys() promises. Errors: likewise.
  virtual Result<std::vector<std::string>> creation_ddl(const Table& table) const = 0;

  // Of a column; empty where a person has to write it.

  virtual std::string add_column(const Table& table, const Column& column,
                                 const std::string& type) const;
  virtual std::string set_type(const Table& table, const FoundColumn& found,
                               const std::string& type) const;
  virtual std::string set_not_null(const Table& table, const FoundColumn& found) const;
  virtual std::string drop_not_null(const Table& table, const FoundColumn& found) const;
  /// PRIMARY KEY or UNIQUE over these columns.
  std::string add_key(const Table& table, std::string_view kind,
                      const std::vector<std::string>& columns) const;

 protected:
  std::string alter(const Table& table, const std::string& what) const;
  std::string alter_column(const Table& table, const std::string& column,
                           const std::string& what) const;
};

/// The columns that a table is to have: the dictionary's, then lineage's.
struct WantedColumn {
  Column column;
  bool required = false;  ///< or in the key
};
std::vector<WantedColumn> wanted_columns(const Table& table);

}  // namespace weir::pipeline
