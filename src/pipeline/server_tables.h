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

/// What makes a table on a server as the dictionary says: its schema when that is missing, columns,
/// NOT NULL, the key, `unique`, lineage. Errors: invalid_project (the engine has no such type);
/// those of server::Connection::run.
Result<std::vector<std::string>> server_creation_ddl(server::Connection& connection, Engine engine,
                                                     const Table& table);

/// Runs DDL that makes something. Two that make one thing at once stumble over each other in the
/// server's catalog, be it with IF NOT EXISTS: `busy`, and the second finds it there when it tries
/// again. Errors otherwise: those of server::Connection::run.
Result<void> make_on_server(server::Connection& connection, const std::string& statement);

/// Whether the server itself keeps the table's key: by a primary key, or a unique index, of just
/// these columns.
Result<bool> guards_key(server::Connection& connection, Engine engine, const Table& table);

/// The columns of a constraint or unique index of the table, in its order; none where it is no
/// constraint of the table's, or the server does not tell.
Result<std::vector<std::string>> constraint_columns(server::Connection& connection, Engine engine,
                                                    const Table& table,
                                                    const std::string& constraint);

}  // namespace weir::pipeline
