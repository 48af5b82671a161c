#pragma once

#include <string>

#include "model/project.h"
#include "text/json.h"

namespace weir::api {

/// The API of this project as OpenAPI 3.1: each table's rows with their schema, each query with its
/// parameters, runs, and every problem there is.
text::Json openapi(const Project& project);

/// The same as a page for people; it needs nothing from elsewhere.
std::string docs_page(const Project& project);

}  // namespace weir::api
