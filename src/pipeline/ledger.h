#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/receipt.h"
#include "model/table.h"

namespace weir::pipeline {

/// Which input of which pipeline's load: the ledger's key without version and attempt. A pipeline
/// has one load, and where it stands among the steps is no part of the key: a step that is put
/// before it makes no object a new one.
struct LedgerKey {
  PipelineName pipeline;
  int step = 0;  ///< index of the load step in the pipeline, as it was: for people
  std::optional<ObjectRef> object;

  int64_t hash() const;  ///< stable across versions of weir; finds the key's entries quickly
  /// What `hash` was when the step was part of the key: entries of then are found by it.
  int64_t former_hash() const;
  bool operator==(const LedgerKey& other) const {
    return pipeline == other.pipeline && object == other.object;
  }
};

/// A committed load.
struct LedgerEntry {
  ObjectVersion version;
  uint64_t size_bytes = 0;
  RunId run;
  int64_t load_id = 0;
  int64_t attempt = 0;
};

/// A row's problems as weir_rejects keeps them: a JSON array of {field, rule, value, message}.
std::string problems_json(std::span<const Problem> problems);

/// What one input leaves in the ledger.
struct NewLoad {
  LedgerKey key;
  ObjectVersion version;
  uint64_t size_bytes = 0;
  int64_t attempt = 1;  ///< which load of the key it is
  int64_t follows = 0;  ///< the key's latest entry when this load began; 0: it had none
  TableName table;
  const Receipt* receipt = nullptr;  ///< of what is committed: without an error
  Timestamp committed_at{};
  std::optional<RunId> replay_of = {};  ///< set: no load, but a replay of this run's rejects
};

/// What all rejects of one input have in common.
struct RejectOrigin {
  LedgerKey key;
  ObjectVersion version;
  RunId run;
  TableName table;
  std::string dictionary_version;
  std::string header;  ///< CSV: the input's header as a JSON array; empty = it has none
  bool rolled_back = false;
  Timestamp at{};
};

/// The ledger in a target database: weir_loads (which object versions are in) and weir_rejects (the
/// quarantine). Written only inside the transaction of the rows it speaks of. One thread at a time.
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// Per key (each once), the latest committed entry; nullopt = never loaded.
  virtual Result<std::vector<std::optional<LedgerEntry>>> latest(
      std::span<const LedgerKey> keys) = 0;

  /// The receipt that was committed with a load.
  virtual Result<Receipt> receipt_of(const LedgerEntry& entry) = 0;
  /// The receipt of the newest load of this version; nullopt = never loaded.
  virtual Result<std::optional<Receipt>> receipt_of(const LedgerKey& key,
                                                    const ObjectVersion& version) = 0;
  /// The receipt a replay committed last; nullopt = it committed nothing.
  virtual Result<std::optional<Receipt>> receipt_of_replay(const RunId& replay) = 0;

  virtual Result<void> write_loads(std::span<const NewLoad> loads) = 0;

  virtual Result<void> begin_rejects() = 0;
  virtual Result<void> write_reject(const RejectOrigin& origin, const Reject& reject) = 0;
  virtual Result<void> end_rejects() = 0;

  /// These inputs were judged again as a whole by `run`, and the rows are in: marks what is
  /// unresolved of earlier runs of the same key, when it is of the same version or was rolled back.
  virtual Result<void> supersede(std::span<const NewLoad> loads) = 0;
  /// `run` was rolled back: what earlier runs of the same key and version left that were rolled
  /// back too says the same once more.
  virtual Result<void> supersede_rolled_back(const RejectOrigin& origin) = 0;
};

}  // namespace weir::pipeline
