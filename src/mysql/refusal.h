#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "server/connection.h"

namespace weir::mysql {

/// An error as the client library hands it over.
struct ServerError {
  unsigned number = 0;
  std::string state;  ///< SQLSTATE
  std::string message;
};

ErrorCode error_code(const ServerError& error);
/// Whether the session ends with it.
bool loses_connection(unsigned number);
/// Whether the server may have rolled the transaction back with it.
bool loses_transaction(unsigned number);
/// "MariaDB error 1062 (23000): Duplicate entry …"; `server` is the product's name.
Error to_error(const ServerError& error, std::string_view server);
server::Refusal to_refusal(const ServerError& error);

}  // namespace weir::mysql
