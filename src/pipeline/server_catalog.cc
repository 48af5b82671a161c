#include "pipeline/server_catalog.h"

#include "pipeline/mysql_catalog.h"
#include "pipeline/postgres_catalog.h"

namespace weir::pipeline {

std::unique_ptr<TableCatalog> server_catalog(server::Connection& connection, Engine engine) {
  if (engine == Engine::mysql) return std::make_unique<MysqlCatalog>(connection);
  return std::make_unique<PostgresCatalog>(connection);
}

}  // namespace weir::pipeline
