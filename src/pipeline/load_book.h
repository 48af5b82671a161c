#pragma once

#include <span>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "pipeline/input.h"
#include "pipeline/session.h"

namespace weir::pipeline {

/// Where a load writes down what became of its inputs, inside of its own transaction.
class LoadBook {
 public:
  virtual ~LoadBook() = default;

  /// Whether the table's limits (on_bad_row, stop_at) hold for this load.
  virtual bool limited() const { return true; }

  virtual Result<void> begin_rejects() = 0;
  /// In input order; `reject.element` is the record's ordinal in `input`.
  virtual Result<void> write_reject(const Input& input, const Reject& reject) = 0;
  virtual Result<void> end_rejects() = 0;

  /// The rows are in the table and the receipts balance; may add to them.
  virtual Result<void> close(std::span<const Input> inputs, std::span<Receipt> receipts) = 0;
};

/// The ledger: weir_loads and weir_rejects. `rolled_back`: the quarantine of a load that was
/// stopped because of its rejects, which are all it leaves; in a transaction of its own, without
/// close().
class LedgerBook final : public LoadBook {
 public:
  enum class Rows { committed, rolled_back };
  LedgerBook(Session& session, const Clock& clock, Rows rows)
      : session_(session), clock_(clock), rows_(rows) {}

  Result<void> begin_rejects() override;
  Result<void> write_reject(const Input& input, const Reject& reject) override;
  Result<void> end_rejects() override;
  Result<void> close(std::span<const Input> inputs, std::span<Receipt> receipts) override;

 private:
  Session& session_;
  const Clock& clock_;
  Rows rows_;
  const Input* input_ = nullptr;  // of origin_
  RejectOrigin origin_;
};

}  // namespace weir::pipeline
