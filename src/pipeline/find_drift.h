#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "model/project.h"
#include "pipeline/drift.h"
#include "pipeline/resources.h"

namespace weir::pipeline {

enum class Apply { no, yes };

/// `weir drift`: the dictionary's tables (or the one that is named) against the databases, in the
/// dictionary's order. With Apply::yes the DDL that is safe is run; those differences are told as
/// `done`, followed by what is left. It is run in one transaction per database, but on MySQL, which
/// commits each statement by itself.
/// Errors: not_found (there is no such table), sql, unavailable; the fix says what was altered.
Result<std::vector<TableDrift>> find_drift(const Project& project, Resources& resources,
                                           const std::optional<TableName>& only, Apply apply);

}  // namespace weir::pipeline
