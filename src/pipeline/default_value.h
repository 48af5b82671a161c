#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "duckdb/database.h"
#include "pipeline/conversion.h"
#include "pipeline/pipeline_parts.h"

namespace weir::pipeline {

/// The column's `default` rule; null when it has none.
const Rule* default_rule(const Column& column);

/// The source column whose value reaches the table's column as it is, through selects that only
/// rename; none when an expression, an unnest or an aggregate stands between.
std::optional<size_t> source_of(const PipelineParts& parts, const std::string& column);

/// Source columns for which some default may stand in: for duckdb::ScanSlot::set_defaults.
std::vector<size_t> defaulted_sources(const PipelineParts& parts);

/// The expression of a default, and what makes its value one of the column's type.
struct DefaultValue {
  std::string sql;  ///< the expression, in a TRY where it can stand in one: {'v': …} or NULL
  Conversion conversion;  ///< of `value`
};

/// `value` is how the conversion names the expression's value. Errors: sql: the expression does not
/// bind without columns, is no value of its own, or never becomes the column's type.
Result<DefaultValue> compile_default(duckdb::Database& database, duckdb::Connection& connection,
                                     const Column& column, const std::string& value);

}  // namespace weir::pipeline
