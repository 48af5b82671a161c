#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "postgres/column_plan.h"
#include "server/connection.h"
#include "server/table_guard.h"
#include "server/type_fit.h"

namespace weir::postgres {

/// A column as the catalog has it.
struct ColumnFacts {
  std::string name;
  TargetType target;         ///< of a domain, the type below it
  bool not_null = false;     ///< its own, or its domain's
  bool has_default = false;  ///< likewise; also what the server numbers or computes
};

/// A table, or what else has its name.
struct TableFacts {
  char kind = 0;  ///< pg_class.relkind: 'r' and 'p' are tables, 'v' a view, …; 0: there is none
  std::vector<ColumnFacts> columns;  ///< in the table's order
};

/// An empty schema is the session's current one. Looks at no row. Errors as of
/// server::Connection::run.
Result<TableFacts> table_facts(server::Connection& connection, const std::string& schema,
                               const std::string& table);

/// Keys first, then by kind and name; NOT NULL aside. Errors likewise.
Result<std::vector<server::TableGuard>> table_guards(server::Connection& connection,
                                                     const std::string& schema,
                                                     const std::string& table);

/// What becomes of values of `type` in such a column; see plan_column for how they get there.
server::TypeFit fit_of(const DataType& type, const TargetType& target);

}  // namespace weir::postgres
