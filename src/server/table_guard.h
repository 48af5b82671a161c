#pragma once

#include <string>
#include <vector>

namespace weir::server {

/// What a server has that a row of a table may break, or that runs when one is written: a
/// constraint, a unique index, a trigger.
struct TableGuard {
  enum class Kind { primary_key, unique, foreign_key, check, exclusion, trigger };
  Kind kind = Kind::check;
  std::string name;
  std::string definition;                   ///< "CHECK ((id > 0))", as the server spells it
  std::vector<std::string> columns;         ///< in its order; of a trigger or an expression: none
  std::string parent;                       ///< of a foreign key: the table, not quoted
  std::vector<std::string> parent_columns;  ///< likewise: for each of `columns`
};

}  // namespace weir::server
