#pragma once

#include <string>
#include <vector>

#include "pipeline/load_book.h"
#include "pipeline/request_ledger.h"
#include "pipeline/row_requests.h"

namespace weir::pipeline {

/// Writes down what became of requests: their rejects as any load's, and, of those that may be
/// asked again, the receipt.
class RequestBook final : public LoadBook {
 public:
  /// `requests`: in the order of the load's inputs. All must outlive the book.
  RequestBook(Session& session, const Clock& clock, std::vector<const RowsRequest*> requests)
      : session_(session),
        clock_(clock),
        requests_(std::move(requests)),
        rejects_(session, clock, LedgerBook::Rows::committed) {}

  /// A table's limits are those of a file; a request says itself what it takes.
  bool limited() const override { return false; }
  Result<void> begin_rejects() override {
    return keeps_nothing() ? Result<void>() : rejects_.begin_rejects();
  }
  Result<void> write_reject(const Input& input, const Reject& reject) override {
    return keeps_nothing() ? Result<void>() : rejects_.write_reject(input, reject);
  }
  Result<void> end_rejects() override {
    return keeps_nothing() ? Result<void>() : rejects_.end_rejects();
  }
  /// Errors: too_many_rejects (of one that keeps all or nothing), invalid_input (too many rows).
  Result<void> close(std::span<const Input> inputs, std::span<Receipt> receipts) override;
  /// Why close() failed, if it did: one of the requests had too many rows.
  bool too_many_rows() const { return too_many_rows_; }

 private:
  /// Of a dry run, which is alone, nothing is written down.
  bool keeps_nothing() const { return requests_.front()->keep == RowsRequest::Keep::nothing; }

  Session& session_;
  const Clock& clock_;
  const std::vector<const RowsRequest*> requests_;
  LedgerBook rejects_;
  bool too_many_rows_ = false;
};

/// What tells one request's rows from another's under the same key.
std::string request_digest(const RowsRequest& request);

}  // namespace weir::pipeline
