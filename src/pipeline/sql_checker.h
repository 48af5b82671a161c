#pragma once

#include <memory>

#include "config/load_project.h"

namespace weir::pipeline {

/// Checks a project's SQL on empty DuckDB databases in memory that hold the dictionary's tables.
/// SQL for other engines is left to them.
std::unique_ptr<config::SqlChecker> make_sql_checker();

}  // namespace weir::pipeline
