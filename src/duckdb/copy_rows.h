#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/result.h"
#include "duckdb/connection.h"

namespace weir::duckdb {

/// Copies a query's rows, as they come and chunk by chunk, into a temporary table that has its
/// columns; the table's connection may be of another database. `table` is not quoted. Gives how
/// many they were. Errors: sql, io, cancelled: interrupted, or `go_on` said no.
Result<uint64_t> copy_rows(Statement& query, std::span<const Parameter> parameters, Connection& to,
                           const std::string& table, const std::function<bool()>& go_on);

}  // namespace weir::duckdb
