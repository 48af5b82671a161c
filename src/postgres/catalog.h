#pragma once

#include <vector>

#include "postgres/column_plan.h"
#include "postgres/session.h"
#include "postgres/table_facts.h"

namespace weir::postgres {

/// The table's name as SQL has it.
std::string quoted_table(const Session& session, const server::BulkTarget& target);

/// A relation's columns in their order; `relation` as regclass takes it: its name as SQL has it, or
/// its number. Errors: sql (there is none), and those of Connection::run.
Result<std::vector<ColumnFacts>> columns_of(server::Connection& connection,
                                            const std::string& relation);

/// The target's columns with their types in the catalog, in the target's order. Errors: sql (no
/// such table or column), invalid_input (see plan_column), and those of Connection::run.
Result<std::vector<ColumnPlan>> plan_columns(Session& session, const server::BulkTarget& target);

}  // namespace weir::postgres
