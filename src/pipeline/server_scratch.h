#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "model/project.h"
#include "pipeline/server_dialect.h"
#include "server/connection.h"

namespace weir::pipeline {

/// How many rows a server was sent, and how many of them it has: a trigger may leave some out.
struct SentRows {
  uint64_t rows = 0;
  uint64_t taken = 0;
  std::string way = {};  ///< server::BulkLoad::way()
};

/// The rows of `select`, which `from` computes, into a table of the server's; inside the caller's
/// transaction, in bounded memory. `columns` are those of `select`, in order. Errors: sql, io,
/// cancelled; those of server::BulkLoad.
Result<SentRows> send_rows(duckdb::Connection& from, const std::string& select,
                           std::span<const duckdb::Parameter> parameters,
                           server::Connection& server, const std::string& schema,
                           const std::string& table, const std::vector<Column>& columns);

/// An empty scratch table, which the session sees alone. `like` as below.
Result<void> make_scratch(server::Connection& server, const ServerDialect& dialect,
                          const std::string& scratch, const std::string& like,
                          ServerDialect::Lifetime lifetime);
/// Rows of `select` into one that is there. Gives how many.
Result<uint64_t> fill_scratch(duckdb::Connection& from, const std::string& select,
                              server::Connection& server, const ServerDialect& dialect,
                              const std::string& scratch, const std::vector<Column>& columns);

/// The same into a scratch table, which the session sees alone and which goes with its
/// transaction. `like`: SQL of a SELECT on the server whose columns have the names of `columns` and
/// the types to be.
Result<uint64_t> send_to_scratch(duckdb::Connection& from, const std::string& select,
                                 server::Connection& server, const ServerDialect& dialect,
                                 const std::string& scratch, const std::vector<Column>& columns,
                                 const std::string& like);

}  // namespace weir::pipeline
