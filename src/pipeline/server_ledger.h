#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/project.h"
#include "pipeline/ledger.h"
#include "pipeline/server_dialect.h"
#include "server/connection.h"

namespace weir::pipeline {

/// Makes the ledger's tables on a server where they are missing: weir_loads and weir_rejects,
/// in the session's own schema (MySQL: its database). Two that do it at once do no
/// harm. Errors: those of server::Connection::run.
Result<void> create_server_ledger(server::Connection& connection, Engine engine);
/// What makes them. Statements of Postgres's do so in any transaction, but two at once must not.
std::vector<std::string> server_ledger_ddl(const server::Connection& connection, Engine engine);
/// Whether both are there.
Result<bool> has_server_ledger(server::Connection& connection, Engine engine);

/// The ledger on a server. Where another owner has loaded the same object meanwhile, whichever
/// version, write_loads fails with `busy`: tried again, the input is judged by what is in now.
/// One thread at a time, inside the caller's transaction.
class ServerLedger final : public Ledger {
 public:
  /// `connection` must outlive it.
  ServerLedger(server::Connection& connection, Engine engine)
      : connection_(connection), dialect_(ServerDialect::of(engine, connection)) {}

  Result<std::vector<std::optional<LedgerEntry>>> latest(std::span<const LedgerKey> keys) override;
  Result<Receipt> receipt_of(const LedgerEntry& entry) override;
  Result<std::optional<Receipt>> receipt_of(const LedgerKey& key,
                                            const ObjectVersion& version) override;
  Result<std::optional<Receipt>> receipt_of_replay(const RunId& replay) override;
  Result<void> write_loads(std::span<const NewLoad> loads) override;
  Result<void> begin_rejects() override;
  Result<void> write_reject(const RejectOrigin& origin, const Reject& reject) override;
  Result<void> end_rejects() override;
  Result<void> supersede(std::span<const NewLoad> loads) override;
  Result<void> supersede_rolled_back(const RejectOrigin& origin) override;

 private:
  Result<void> insert(std::string_view table, std::span<const std::string_view> columns,
                      std::vector<server::Cell> values);
  /// A condition on weir_rejects, whose parameters $1 to $5 are supersede_parameters().
  std::string of_key() const;
  std::string null_safe(std::string_view column, std::string_view parameter) const;
  std::vector<server::Cell> supersede_parameters(const LedgerKey& key, const RunId& run) const;
  Result<std::optional<Receipt>> receipt(const std::string& where,
                                         std::span<const server::Cell> parameters);

  server::Connection& connection_;
  const std::unique_ptr<const ServerDialect> dialect_;
  std::vector<server::Cell> rejects_;  // of write_reject, not sent yet
};

}  // namespace weir::pipeline
