#pragma once

#include "base/result.h"
#include "model/project.h"
#include "pipeline/drift.h"
#include "pipeline/table_catalog.h"
#include "pipeline/table_rows.h"

namespace weir::pipeline {

/// Looks at the rows: decides for each unchecked difference whether its DDL would keep every value,
/// and adds what the structure does not show: constraints and triggers of the database's own, keys
/// it should keep and does not, and rows that break the contract (key, unique, references, types,
/// rules), counted, with an example. Rules are judged when all columns can be read as the
/// dictionary says; key, unique and references when theirs can. Reads the whole table; what it
/// needs beyond memory spills. Errors: those of the database.
Result<void> check_rows(const Project& project, TableCatalog& catalog, TableRows& rows,
                        TableDrift& drift);

}  // namespace weir::pipeline
