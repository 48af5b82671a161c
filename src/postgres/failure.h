#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "server/connection.h"

namespace weir::postgres {

/// What a refusal with this SQLSTATE means to callers; see server::Connection.
ErrorCode code_of_state(std::string_view state);

/// The server's words on a statement that failed: "message: detail" with its hint as the fix.
/// `refusal` is filled when the code is `sql`. `result` may be null: then the connection says why.
Error failure_of(const PGconn* connection, const PGresult* result, server::Refusal& refusal);

/// Why a connection could not be made. Its errors were asked for as PQERRORS_VERBOSE, since
/// only then do they tell their SQLSTATE.
Error connect_failure(std::string message);

}  // namespace weir::postgres
