#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cases/text_rows.h"
#include "model/receipt.h"
#include "model/test_case.h"

namespace weir::cases {

enum class CaseStatus {
  passed,
  failed,  ///< something else came out
  broken,  ///< it could not be run, or not be compared
};
std::string_view to_string(CaseStatus status);

/// A value of a receipt that is not what was expected.
struct ValueDifference {
  std::string of;     ///< "landing/a.csv", or a pipeline's name
  std::string field;  ///< "status", "rows.read", "error"
  std::string expected, found;
  Location location;
};

/// A row that only one side has, or, with both, one row that differs.
struct RowDifference {
  std::optional<TextRow> expected, found;
};

/// Two lists of rows, compared.
struct RowsDifference {
  std::string of;  ///< "table hired", "rejects", "notices"
  std::vector<std::string> columns;
  std::vector<bool> is_key;  ///< of each column
  std::string null_text;     ///< what a missing cell means
  size_t expected = 0, found = 0;
  std::vector<RowDifference> rows;  ///< empty: they are equal
  /// The rows found, those that were expected in their places.
  std::vector<TextRow> in_place;
  /// Of each of these, which of the expected rows it is (from 0); none: it is new.
  std::vector<std::optional<size_t>> origins;
  std::vector<TextRow> expected_rows;  ///< spelled as the rows found are
  Location location;

  size_t missing() const;
  size_t unexpected() const;
  size_t changed() const;
};

/// What became of a test.
struct CaseResult {
  const TestCase* test = nullptr;
  CaseStatus status = CaseStatus::passed;
  std::optional<Error> error;  ///< why it is broken, or a run that failed and should not have
  std::vector<ValueDifference> values;
  std::vector<RowsDifference> tables;  ///< of every table that is expected, equal ones too
  std::optional<RowsDifference> rejects, notices;
  std::vector<Receipt> receipts;  ///< in the order they were made
  double duration_ms = 0;
};

/// What a receipt is called in a case.
std::string receipt_name(const Receipt& receipt);
/// One counter of a receipt by its name.
uint64_t counter_value(const RowCounts& rows, std::string_view counter);

}  // namespace weir::cases
