#include "cli/receipt_table.h"

#include <fmt/format.h>

#include "cli/display_text.h"

namespace weir::cli {
namespace {

std::string duration_text(double ms) {
  if (ms < 1000) return fmt::format("{:.0f} ms", ms);
  return fmt::format("{:.1f} s", ms / 1000);
}

/// What people call this input: its object, or the pipeline when it reads none.
std::string input_name(const Receipt& receipt) {
  return receipt.object ? receipt.object->to_string() : receipt.pipeline.value();
}

struct Counter {
  const char* name;
  uint64_t RowCounts::*member;
};

constexpr Counter counters[] = {
    {"read", &RowCounts::read},
    {"expanded", &RowCounts::expanded},
    {"folded", &RowCounts::folded},
    {"inserted", &RowCounts::inserted},
    {"updated", &RowCounts::updated},
    {"unchanged", &RowCounts::unchanged},
    {"deduplicated", &RowCounts::deduplicated},
    {"filtered", &RowCounts::filtered},
    {"rejected", &RowCounts::rejected},
    {"replaced", &RowCounts::replaced},
};

}  // namespace

void ReceiptTable::add(const Receipt& receipt) {
  const std::string input = input_name(receipt);
  receipts_.push_back({input, receipt.status, receipt.rows, receipt.duration_ms});
  ++states_[receipt.status];
  for (const Counter& counter : counters) sum_.*counter.member += receipt.rows.*counter.member;
  if (receipt.error) errors_.push_back(input + ": " + receipt.error->to_string());
  add_rejects(receipt, input);
}

bool ReceiptTable::shows(uint64_t RowCounts::*counter) const {
  return sum_.*counter > 0 || counter == &RowCounts::read || counter == &RowCounts::inserted ||
         counter == &RowCounts::rejected;
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
  std::vector<TableColumn> columns = {{"input"}, {"status"}};
  for (const Counter& counter : counters) {
    if (shows(counter.member)) columns.push_back({counter.name, Align::right});
  }
  columns.push_back({"time", Align::right});
  TableWriter table(output, columns, "");
  for (const Line& line : receipts_) {
    TableRow cells = {line.input, std::string(to_string(line.status))};
    for (const Counter& counter : counters) {
      if (shows(counter.member)) cells.push_back(std::to_string(line.rows.*counter.member));
    }
    cells.push_back(duration_text(line.duration_ms));
    table.add(cells);
  }
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
