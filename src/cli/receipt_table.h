#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
#include "cli/table_writer.h"
#include "model/receipt.h"

namespace weir::cli {

/// Receipts for people: one line each, then the rejected rows with their problems, then what
/// failed, then the sum. Keeps a line per receipt and the first `listed_rejects` rejected rows.
class ReceiptTable {
 public:
  static constexpr size_t listed_rejects = 50;

  void add(const Receipt& receipt);
  void print(Output& output) const;

 private:
  struct RejectedRow {
    std::string input;
    TableRow cells;
  };
  bool shows(uint64_t RowCounts::*counter) const;
  void add_rejects(const Receipt& receipt, const std::string& input);
  void print_receipts(Output& output) const;
  void print_rejects(Output& output) const;
  void print_sum(Output& output) const;

  struct Line {
    std::string input;
    RunState status;
    RowCounts rows;
    double duration_ms;
  };
  std::vector<Line> receipts_;
  std::vector<RejectedRow> rejects_;
  std::vector<std::string> errors_;  // "landing/a.json: why; what to do"
  std::map<RunState, size_t> states_;
  RowCounts sum_;
};

}  // namespace weir::cli
