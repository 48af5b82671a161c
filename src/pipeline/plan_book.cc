#include "pipeline/plan_book.h"

#include <algorithm>

namespace weir::pipeline {

Result<void> PlanBook::begin_rejects() {
  broken_.clear();  // an input that would fail tells its rejects again
  return ledger_ == nullptr ? Result<void>() : ledger_->begin_rejects();
}

Result<void> PlanBook::write_reject(const Input& input, const Reject& reject) {
  for (const Problem& problem : reject.problems) {
    const auto at = std::find_if(broken_.begin(), broken_.end(), [&](const BrokenRule& known) {
      return known.field == problem.field && known.rule == problem.rule;
    });
    if (at != broken_.end()) {
      ++at->rows;
      continue;
    }
    BrokenRule& broken = broken_.emplace_back(BrokenRule{problem.field, problem.rule, 1, reject});
    broken.example.problems = {problem};
  }
  return ledger_ == nullptr ? Result<void>() : ledger_->write_reject(input, reject);
}

Result<void> PlanBook::end_rejects() {
  return ledger_ == nullptr ? Result<void>() : ledger_->end_rejects();
}

Result<void> PlanBook::close(std::span<const Input> inputs, std::span<Receipt> receipts) {
  return ledger_ == nullptr ? Result<void>() : ledger_->close(inputs, receipts);
}

std::vector<BrokenRule> PlanBook::broken() const {
  std::vector<BrokenRule> sorted = broken_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const BrokenRule& a, const BrokenRule& b) { return a.rows > b.rows; });
  return sorted;
}

}  // namespace weir::pipeline
