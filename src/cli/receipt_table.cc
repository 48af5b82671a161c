#include "cli/receipt_table.h"

#include <fmt/format.h>

#include "cli/display_text.h"

namespace weir::cli {
namespace {

std::string duration_text(double ms) {
  if (ms < 1000) return fmt::format("{:.0f} ms", ms);
  return fmt::format("{:.1f} s", ms / 1000);
}

std::string count(uint64_t value) { return value == 0 ? "" : std::to_string(value); }

/// What people call this input: its object, or the pipeline when it reads none.
std::string input_name(const Receipt& receipt) {
  return receipt.object ? receipt.object->to_string() : receipt.pipeline.value();
}

void add_to(RowCounts& sum, const RowCounts& rows) {
  for (auto member : {&RowCounts::read, &RowCounts::expanded, &RowCounts::folded,
                      &RowCounts::inserted, &RowCounts::updated, &RowCounts::unchanged,
                      &RowCounts::deduplicated, &RowCounts::filtered, &RowCounts::rejected}) {
    sum.*member += rows.*member;
  }
}

}  // namespace

void ReceiptTable::add(const Receipt& receipt) {
  const RowCounts& rows = receipt.rows;
  const std::string input = input_name(receipt);
  receipts_.push_back({input, std::string(to_string(receipt.status)), std::to_string(rows.read),
                       count(rows.inserted), count(rows.updated), count(rows.unchanged),
                       count(rows.deduplicated), count(rows.filtered), count(rows.rejected),
                       duration_text(receipt.duration_ms), count(rows.expanded),
                       count(rows.folded)});
  any_folded_ = any_folded_ || rows.expanded > 0 || rows.folded > 0;
  ++states_[receipt.status];
  add_to(sum_, rows);
  if (receipt.error) errors_.push_back(input + ": " + receipt.error->to_string());
  add_rejects(receipt, input);
}

void ReceiptTable::add_rejects(const Receipt& receipt, const std::string& input) {
  for (const Reject& reject : receipt.rejects) {
    for (const Problem& problem : reject.problems) {
      if (rejects_.size() >= listed_rejects) return;
      const bool has_line = reject.line > 0;
      rejects_.push_back({input,
                          {has_line ? fmt::format("line {}", reject.line)
                                    : fmt::format("element {}", reject.element),
                           problem.field, problem.rule, problem.value, problem.message}});
    }
  }
}

void ReceiptTable::print(Output& output) const {
  print_receipts(output);
  print_rejects(output);
  for (const std::string& error : errors_) {
    output.write("\n" + visible(error, LineBreaks::keep) + "\n");
  }
  if (receipts_.size() > 1) print_sum(output);
  output.flush();
}

void ReceiptTable::print_receipts(Output& output) const {
  std::vector<TableColumn> columns = {
      {"input", Align::left},         {"status", Align::left},    {"read", Align::right},
      {"inserted", Align::right},     {"updated", Align::right},  {"unchanged", Align::right},
      {"deduplicated", Align::right}, {"filtered", Align::right}, {"rejected", Align::right},
      {"time", Align::right},
  };
  if (any_folded_) {
    columns.push_back({"expanded", Align::right});
    columns.push_back({"folded", Align::right});
  }
  TableWriter table(output, columns, "");
  for (const TableRow& row : receipts_) table.add(row);
  table.finish();
}

void ReceiptTable::print_rejects(Output& output) const {
  for (size_t begin = 0; begin < rejects_.size();) {
    const std::string& input = rejects_[begin].input;
    output.write("\nrejected rows of " + visible(input, LineBreaks::escape) + "\n");
    TableWriter table(output, {{"where"}, {"field"}, {"rule"}, {"value"}, {"why"}}, "", "  ");
    size_t end = begin;
    for (; end < rejects_.size() && rejects_[end].input == input; ++end) {
      table.add(rejects_[end].cells);
    }
    table.finish();
    begin = end;
  }
  if (rejects_.size() >= listed_rejects) {
    output.write(fmt::format("  the first {} problems; all rejected rows are in weir_rejects\n",
                             listed_rejects));
  }
}

void ReceiptTable::print_sum(Output& output) const {
  std::vector<std::string> states;
  for (const auto& [state, number] : states_) {
    states.push_back(fmt::format("{} {}", number, to_string(state)));
  }
  output.write(fmt::format("\n{} inputs: {}; {} rows read, {} loaded, {} rejected\n",
                           receipts_.size(), fmt::join(states, ", "), sum_.read, sum_.loaded(),
                           sum_.rejected));
}

}  // namespace weir::cli
