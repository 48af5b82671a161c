#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/project.h"
#include "pipeline/drift.h"
#include "pipeline/resources.h"

namespace weir::pipeline {

/// Looks at the rows: decides for each unchecked difference whether its DDL would keep every value,
/// and adds what the structure does not show: constraints of the database's own, and rows that
/// break the contract (key, unique, references, rules), counted, with an example.
/// Rules are judged when all columns are as the dictionary says; key, unique and references when
/// theirs are. Reads the whole table; what it needs beyond memory spills.
Result<void> check_rows(const Project& project, duckdb::Database& database,
                        duckdb::Connection& connection, TableDrift& drift);

enum class Apply { no, yes };

/// `weir drift`: the dictionary's tables (or the one that is named) against the databases, in the
/// dictionary's order. With Apply::yes the DDL that is safe is run, in one transaction per
/// database; those differences are told as `done`, followed by what is left.
/// Errors: not_found (there is no such table), sql, unavailable; nothing was altered then.
Result<std::vector<TableDrift>> find_drift(const Project& project, Resources& resources,
                                           const std::optional<TableName>& only, Apply apply);

}  // namespace weir::pipeline
