#pragma once

#include <functional>
#include <string>
#include <variant>

#include "api/request_target.h"
#include "base/clock.h"
#include "http/message.h"
#include "model/api_key.h"
#include "model/project.h"
#include "pipeline/row_requests.h"

namespace weir::api {

/// A request for rows as the loads below take it.
struct ReadRows {
  pipeline::RowsRequest request;
  std::string preference = {};  ///< of the Prefer header, that was followed
};

/// Reads POST /api/tables/TABLE/rows and POST /api/rows (`target`). The body is taken out of
/// `request`. Else the answer that says what is wrong with it.
std::variant<ReadRows, http::Response> read_rows(const Project& project, const Target& target,
                                                 const ApiKey& key, http::Request& request,
                                                 const Clock& clock);

/// The table that rows are sent to: by the path, or by the parameters of /api/rows. Null when there
/// is none.
const RowsRoute* rows_route(const Api& api, const Target& target, const http::RequestHead& head);

/// What became of the rows: 200 with the receipt, or a problem with it.
http::Response rows_response(const pipeline::RowsAnswer& answer);

}  // namespace weir::api
