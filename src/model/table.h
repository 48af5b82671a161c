#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/location.h"
#include "model/data_type.h"
#include "model/names.h"

namespace weir {

enum class RuleKind { required, key, unique, references, in, matches, compare, default_, check };

/// One rule of a column. Enforced on every row unless the kind says otherwise.
struct Rule {
  RuleKind kind = RuleKind::required;
  std::string text;       ///< as the user wrote it, e.g. ">= 0", "in (a, b)"; named in rejects
  std::string predicate;  ///< in, matches, compare, check: SQL over the table's columns (DuckDB),
                          ///< true or NULL for a good row; empty for the other kinds
  std::string argument;   ///< references: the table's name; default: SQL of the value
  std::string column;     ///< references: the column there; empty = that table's key
  Location location;
};

struct Column {
  std::string name;
  DataType type;
  std::vector<Rule> rules;
  Location location;

  bool required() const;  ///< `required`, or part of a key
  bool is_key() const;    ///< has the `key` rule (see also Table::key)
};

enum class OnBadRow { quarantine, fail };

/// When a run gives up: as soon as one of the two is exceeded. Unset: never.
struct StopAt {
  std::optional<uint64_t> rejected;  ///< rows
  std::optional<double> ratio;       ///< rejected / read, 0..1; judged when the input has been read
};

/// A data-dictionary entry.
struct Table {
  TableName name;
  DatabaseName database;
  std::string schema;  ///< the database's schema; empty = its default
  std::vector<Column> columns;
  std::vector<std::string> key;  ///< column names; empty = no key
  OnBadRow on_bad_row = OnBadRow::quarantine;
  StopAt stop_at;
  /// The database's table also has weir_run and weir_element: which record of which run each row
  /// is.
  bool lineage = false;
  Location location;

  const Column* find_column(std::string_view name) const;
};

}  // namespace weir
