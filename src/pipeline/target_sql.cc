#include "pipeline/target_sql.h"

#include "pipeline/duckdb_ledger.h"
#include "pipeline/duckdb_target.h"
#include "pipeline/server_ledger.h"
#include "pipeline/server_target.h"

namespace weir::pipeline {

std::unique_ptr<TargetSql> make_target_sql(duckdb::Connection& beside, server::Connection* server,
                                           Engine engine) {
  if (server == nullptr) return std::make_unique<DuckdbTarget>(beside);
  return std::make_unique<ServerTarget>(beside, *server, engine);
}

Result<Target> open_target(Databases& databases, const DatabaseName& name) {
  const Engine engine = WEIR_TRY(databases.engine_of(name));
  Target target;
  if (engine == Engine::duckdb) {
    target.database = WEIR_TRY(databases.open(name));
    target.connection = WEIR_TRY(target.database->connect());
    target.ledger = std::make_unique<DuckdbLedger>(*target.connection);
  } else {
    target.database = WEIR_TRY(databases.open_workshop(name));
    target.connection = WEIR_TRY(target.database->connect());
    target.server = WEIR_TRY(databases.connect(name));
    target.ledger = std::make_unique<ServerLedger>(*target.server, engine);
  }
  target.sql = make_target_sql(*target.connection, target.server.get(), engine);
  return target;
}

}  // namespace weir::pipeline
