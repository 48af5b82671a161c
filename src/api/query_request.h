#pragma once

#include <string>
#include <variant>
#include <vector>

#include "api/row_writer.h"
#include "http/message.h"
#include "model/project.h"

namespace weir::api {

/// How an answer's rows are given; in the order of query_media_types.
enum class QueryForm { json, csv, ndjson, parquet };

/// A request for a named query as the parts below take it.
struct QueryRequest {
  std::vector<std::string> values;  ///< of the parameters, as pipeline::parameter_value spells them
  QueryForm form = QueryForm::json;
};

/// Reads the parameters and the Accept header. Else the answer that says what is wrong with it.
std::variant<QueryRequest, http::Response> read_query_request(const Project& project,
                                                              const NamedQuery& query,
                                                              const http::RequestHead& head);

}  // namespace weir::api
