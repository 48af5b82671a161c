#pragma once

#include "model/project.h"
#include "text/json.h"

namespace weir::api {

/// The operation of GET /api/queries/QUERY, without the problems it may answer with: its parameters
/// with types and defaults, and the forms of its rows.
text::Json query_operation(const NamedQuery& query);

}  // namespace weir::api
