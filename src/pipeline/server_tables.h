#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/project.h"
#include "server/connection.h"

namespace weir::pipeline {

/// "schema"."table" of a dictionary table as the server spells it; without a schema, where the
/// session's own tables are.
std::string server_name(const server::Connection& connection, const Table& table);

/// What makes a table on a server as the dictionary says: its schema when it names one, columns,
/// NOT NULL, the key, `unique`, lineage. Errors: invalid_project (the engine has no such type).
Result<std::vector<std::string>> server_creation_ddl(const server::Connection& connection,
                                                     Engine engine, const Table& table);

/// Before a load: makes the table when it is missing, and returns the DDL that did. Errors: sql
/// when a column of the dictionary's is missing in the table that is there; those of
/// server::Connection::run.
Result<std::vector<std::string>> ensure_server_table(server::Connection& connection, Engine engine,
                                                     const Table& table);

/// Whether the server itself keeps the table's key: by a primary key, or a unique index, of just
/// these columns.
Result<bool> guards_key(server::Connection& connection, Engine engine, const Table& table);

}  // namespace weir::pipeline
