#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/load_book.h"
#include "pipeline/quarantine.h"
#include "pipeline/target_sql.h"

namespace weir::pipeline {

/// A rejected record on its way through its pipeline again.
struct ReplayRow {
  const StoredReject* reject = nullptr;
  std::string mended;  ///< the record as JSON when it is not the one that was rejected; else empty
};

/// Writes down what became of replayed records: which reject each one was stands in a temporary
/// table beside the target, so that memory does not grow with them.
class ReplayBook final : public LoadBook {
 public:
  /// `before`: the receipt of what was replayed already; `dictionary_version` is of the pipeline as
  /// the project has it. All must outlive the book.
  ReplayBook(Session& session, const Clock& clock, const RejectedRun& rejected,
             std::string dictionary_version, const Receipt& before);

  Result<void> begin_rows();
  /// In the order in which the records stand in the input.
  Result<void> add_row(const ReplayRow& row);
  Result<void> end_rows();
  uint64_t rows() const { return rows_; }

  bool limited() const override { return false; }
  Result<void> begin_rejects() override;
  Result<void> write_reject(const Input& input, const Reject& reject) override;
  Result<void> end_rejects() override;
  Result<void> close(std::span<const Input> inputs, std::span<Receipt> receipts) override;

 private:
  Result<void> resolve(const RunId& replay);
  Result<void> keep_rejected();
  Result<void> add_new_rejects();
  Result<void> trace_rows(const RunId& replay);
  Result<void> name_records(std::vector<Reject>& rejects);
  Result<void> update_rejects(const TargetSql::Assignments& assignments, const std::string& rows,
                              uint64_t expected);

  Session& session_;
  std::unique_ptr<TargetSql> target_;
  const Clock& clock_;
  const RejectedRun& rejected_;
  std::string dictionary_version_;
  const Receipt& before_;
  std::unique_ptr<duckdb::Appender> appender_;
  uint64_t rows_ = 0;
  uint64_t bad_rows_ = 0;     // the record itself is rejected again
  uint64_t new_rejects_ = 0;  // of rows that a good record makes
};

/// Adds the counts and rejects of `part` to `whole`.
void add_to_receipt(Receipt& whole, const Receipt& part);

}  // namespace weir::pipeline
