#pragma once

#include <string>
#include <vector>

#include "mysql/row_text.h"
#include "mysql/session.h"

namespace weir::mysql {

/// The table a load fills, as the server has it.
struct LoadTarget {
  std::string table;               ///< quoted
  std::vector<RowColumn> columns;  ///< with what of a second each keeps
  std::string column_list;         ///< "(`a`, @v1)": of LOAD DATA
  std::string assignments;         ///< " SET `b` = UNHEX(@v1)", or empty
  std::string insert;              ///< "INSERT INTO `t` (`a`, `b`) VALUES "
};

/// Errors: as Connection::run; also invalid_input: a column that the table lacks, or whose type
/// would change values without a warning (a decimal or bigint into a double, a double into a
/// float).
Result<LoadTarget> load_target(Session& session, const server::BulkTarget& target);

}  // namespace weir::mysql
