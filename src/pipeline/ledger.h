#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "duckdb/connection.h"
#include "model/receipt.h"
#include "model/table.h"

namespace weir::pipeline {

/// Which input of which load step: the ledger's key without version and attempt.
struct LedgerKey {
  PipelineName pipeline;
  int step = 0;  ///< index of the load step in the pipeline
  std::optional<ObjectRef> object;

  int64_t hash() const;  ///< stable across versions of weir; finds the key's entries quickly
  bool operator==(const LedgerKey&) const = default;
};

/// A committed load.
struct LedgerEntry {
  ObjectVersion version;
  uint64_t size_bytes = 0;
  RunId run;
  int64_t load_id = 0;
  std::map<ObjectVersion, int64_t> attempts;  ///< per version, how often it was loaded

  /// The attempt a new load of `version` is, from 1.
  int64_t next_attempt(const ObjectVersion& wanted) const;
};

/// The ledger in one DuckDB database: weir_loads (which object versions are in) and weir_rejects
/// (the quarantine). Written only inside the transaction of the rows it speaks of.
class Ledger {
 public:
  /// Creates what is missing.
  static Result<void> create_tables(duckdb::Connection& connection);

  /// `connection` must outlive it.
  explicit Ledger(duckdb::Connection& connection) : connection_(&connection) {}

  /// Per key (each once), the latest committed entry; nullopt = never loaded.
  Result<std::vector<std::optional<LedgerEntry>>> latest(std::span<const LedgerKey> keys);

  /// The receipt (JSON) that was committed with a load.
  Result<std::string> receipt_of(const LedgerEntry& entry);
  /// The receipt of the newest load of this version; nullopt = never loaded.
  Result<std::optional<std::string>> receipt_of(const LedgerKey& key, const ObjectVersion& version);

  struct NewLoad {
    LedgerKey key;
    ObjectVersion version;
    uint64_t size_bytes = 0;
    int64_t attempt = 1;
    TableName table;
    const Receipt* receipt = nullptr;
    std::string receipt_json;
    Timestamp committed_at{};
  };
  Result<void> write_loads(std::span<const NewLoad> loads);

  struct NewReject {
    const LedgerKey* key = nullptr;
    const ObjectVersion* version = nullptr;
    RunId run;
    TableName table;
    const Reject* reject = nullptr;
    Timestamp at{};
  };
  Result<void> begin_rejects();
  Result<void> write_reject(const NewReject& reject);
  Result<void> end_rejects();

 private:
  using Statements = std::map<size_t, std::unique_ptr<duckdb::Statement>>;  // by number of keys

  Result<duckdb::Statement*> prepared(Statements& statements, size_t count,
                                      std::string (*sql)(size_t));

  duckdb::Connection* connection_;
  Statements insert_;
  std::unique_ptr<duckdb::Appender> rejects_;
};

}  // namespace weir::pipeline
