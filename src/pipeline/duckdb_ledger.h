#pragma once

#include <memory>
#include <set>
#include <span>
#include <vector>

#include "duckdb/connection.h"
#include "pipeline/ledger.h"

namespace weir::pipeline {

/// The ledger in a DuckDB file; ledger_schema.h makes its tables.
class DuckdbLedger final : public Ledger {
 public:
  /// `connection` must outlive it.
  explicit DuckdbLedger(duckdb::Connection& connection) : connection_(&connection) {}

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
  Result<void> find_latest(std::span<const LedgerKey> keys, std::span<const size_t> places,
                           int64_t after, std::vector<std::optional<LedgerEntry>>& found);
  Result<std::optional<Receipt>> receipt(const std::string& where,
                                         std::span<const duckdb::Parameter> parameters);
  Result<int64_t> next_reject_id();
  Result<std::vector<LedgerKey>> rolled_back_keys();
  Result<std::set<std::string>> rejected_versions(std::span<const NewLoad> loads);

  duckdb::Connection* connection_;
  int64_t newest_seen_ = 0;  // a load's id; others may have written later ones
  std::unique_ptr<duckdb::Appender> rejects_;
  std::vector<int64_t> reject_ids_;  // taken from the sequence, greatest first
  size_t reject_ids_taken_ = 0;
};

}  // namespace weir::pipeline
