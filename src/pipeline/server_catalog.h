#pragma once

#include <memory>

#include "model/project.h"
#include "pipeline/table_catalog.h"
#include "server/connection.h"

namespace weir::pipeline {

/// The tables of the server that the session is of, and must outlive it.
std::unique_ptr<TableCatalog> server_catalog(server::Connection& connection, Engine engine);

}  // namespace weir::pipeline
