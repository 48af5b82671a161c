#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/project.h"
#include "server/connection.h"

namespace weir::pipeline {

/// What a server did with rows that it was given to merge by their key; all others it left alone,
/// because it has them as they are.
struct UpsertCounts {
  uint64_t inserted = 0;
  uint64_t updated = 0;
};

/// Whether the server would decide about each row of a merge as weir does: which is new, which is
/// changed and which is there already. That is so on Postgres, for a plain table with nothing in it
/// that changes or hides rows (triggers, rules, row security, other tables below it), whose key can
/// decide (a constraint that does not wait for COMMIT), and whose columns compare as weir's types
/// do: no lists, no blanks that count for nothing, no collation that takes two texts for one.
///
/// That the server guards the key at all (guards_key), and that nothing else than the key decides,
/// the caller knows. Errors: those of server::Connection::run.
Result<bool> decides_alike(server::Connection& server, Engine engine, const Table& table);

/// Merges the rows of `source`, a table of the session's in which no key comes twice, into a table
/// of which decides_alike is true. `columns`: those to be written; lineage differs without the row
/// being another. Errors: those of server::Connection::run; then nothing was written, and the
/// transaction is to be rolled back to a savepoint.
Result<UpsertCounts> upsert_rows(server::Connection& server, const Table& table,
                                 const std::vector<Column>& columns, const std::string& source);

}  // namespace weir::pipeline
