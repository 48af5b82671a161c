#pragma once

#include <vector>

#include "pipeline/load_book.h"
#include "pipeline/plan.h"

namespace weir::pipeline {

/// Counts an input's rejects by rule. With a ledger it writes there, too.
class PlanBook final : public LoadBook {
 public:
  /// `ledger`: null when nothing is to be written.
  explicit PlanBook(LoadBook* ledger) : ledger_(ledger) {}

  Result<void> begin_rejects() override;
  Result<void> write_reject(const Input& input, const Reject& reject) override;
  Result<void> end_rejects() override;
  Result<void> close(std::span<const Input> inputs, std::span<Receipt> receipts) override;

  /// Most rows first; of as many, in input order of their first.
  std::vector<BrokenRule> broken() const;

 private:
  LoadBook* ledger_;
  std::vector<BrokenRule> broken_;  // in the order they came
};

}  // namespace weir::pipeline
