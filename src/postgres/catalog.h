#pragma once

#include <vector>

#include "postgres/column_plan.h"
#include "postgres/session.h"

namespace weir::postgres {

/// The table's name as SQL has it.
std::string quoted_table(const Session& session, const server::BulkTarget& target);

/// The target's columns with their types in the catalog, in the target's order. Errors: sql (no
/// such table or column), invalid_input (see plan_column), and those of Connection::run.
Result<std::vector<ColumnPlan>> plan_columns(Session& session, const server::BulkTarget& target);

}  // namespace weir::postgres
