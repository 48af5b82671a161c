#include "cases/compare_rejects.h"

#include <algorithm>

#include "cases/compare_members.h"
#include "pipeline/quarantine.h"

namespace weir::cases {
namespace {

constexpr const char* member_names[] = {"object", "line",  "element", "field",
                                        "rule",   "value", "message", "raw"};
constexpr size_t member_count = std::size(member_names);

using Problems = std::vector<TextRow>;  // cells by member_names

void add(const Receipt& receipt, const Reject& reject, Problems& problems) {
  for (const Problem& problem : reject.problems) {
    TextRow cells(member_count);
    if (receipt.object) cells[0] = receipt.object->to_string();
    if (reject.line > 0) cells[1] = std::to_string(reject.line);
    cells[2] = std::to_string(reject.element);
    cells[3] = problem.field;
    cells[4] = problem.rule;
    cells[5] = problem.value;
    cells[6] = problem.message;
    cells[7] = reject.raw;
    problems.push_back(std::move(cells));
  }
}

/// A receipt lists the first of many; the quarantine has them all.
Result<void> add_stored(const Receipt& receipt, pipeline::Resources& resources,
                        Problems& problems) {
  for (const DatabaseName& name : resources.databases->names()) {
    const auto target = WEIR_TRY(pipeline::open_target(*resources.databases, name));
    WEIR_TRY(pipeline::for_each_reject(*target.sql, receipt.run, pipeline::Rejects::all,
                                       [&](const pipeline::StoredReject& stored) -> Result<bool> {
                                         Reject reject;
                                         reject.element = stored.element;
                                         reject.line = stored.line.value_or(0);
                                         reject.problems = stored.problems;
                                         reject.raw = stored.raw;
                                         add(receipt, reject, problems);
                                         return true;
                                       }));
  }
  return {};
}

/// The members that say most.
std::vector<bool> usual_members(const Problems& found, size_t receipts) {
  const bool lines = std::all_of(found.begin(), found.end(),
                                 [](const TextRow& cells) { return cells[1].has_value(); });
  std::vector<bool> usual;
  for (size_t i = 0; i < member_count; ++i) {
    usual.push_back((i == 0 && receipts > 1) || (i == 1 && lines) || (i == 2 && !lines) ||
                    (i >= 3 && i <= 5));
  }
  return usual;
}

}  // namespace

Result<void> compare_rejects(const Project&, pipeline::Resources& resources, CaseResult& result) {
  Problems found;
  for (const Receipt& receipt : result.receipts) {
    if (receipt.rows.rejected > receipt.rejects.size()) {
      WEIR_TRY(add_stored(receipt, resources, found));
    } else {
      for (const Reject& reject : receipt.rejects) add(receipt, reject, found);
    }
  }
  RowsDifference difference = compare_members(*result.test->rejects, found, member_names,
                                              usual_members(found, result.receipts.size()));
  difference.of = "rejects";
  difference.location = result.test->location;
  result.rejects = std::move(difference);
  return {};
}

}  // namespace weir::cases
