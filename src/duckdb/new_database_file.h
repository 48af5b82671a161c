#pragma once

#include <string>

#include "base/result.h"

namespace weir::duckdb {

/// Sees to it that at `path` there is a database or nothing that could be taken for a broken one:
/// a missing file, and an empty one that nobody holds, becomes a new database, whole before it has
/// its name. DuckDB itself writes a new file in place; killed meanwhile it leaves one that it then
/// refuses to open. Errors: io.
Result<void> make_database_file(const std::string& path);

}  // namespace weir::duckdb
