#include "cases/compare_rejects.h"

#include <algorithm>
#include <functional>

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
    const auto database = WEIR_TRY(resources.databases->open(name));
    const auto connection = WEIR_TRY(database->connect());
    WEIR_TRY(pipeline::for_each_reject(*connection, receipt.run, pipeline::Rejects::all,
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

TextRow expected_cells(const ExpectedReject& expected) {
  TextRow cells(member_count);
  for (const auto& [name, text] : expected.members) {
    const auto* at = std::find(std::begin(member_names), std::end(member_names), name);
    cells[static_cast<size_t>(at - std::begin(member_names))] = text;
  }
  return cells;
}

bool is_part_of(const TextRow& expected, const TextRow& found) {
  for (size_t i = 0; i < member_count; ++i) {
    if (expected[i] && *expected[i] != found[i].value_or("")) return false;
  }
  return true;
}

/// A partner for as many of the expected ones as can have one, by augmenting paths.
class Matching {
 public:
  Matching(const Problems& expected, const Problems& found)
      : expected_(expected), found_(found), partner_(found.size(), none) {
    for (size_t i = 0; i < expected.size(); ++i) {
      std::vector<bool> seen(found.size(), false);
      matched_.push_back(find(i, seen));
    }
  }
  bool is_matched(size_t expected) const { return matched_[expected]; }
  bool is_taken(size_t found) const { return partner_[found] != none; }
  size_t partner_of(size_t expected) const {
    return static_cast<size_t>(std::find(partner_.begin(), partner_.end(), expected) -
                               partner_.begin());
  }

 private:
  static constexpr size_t none = static_cast<size_t>(-1);

  // Paths are as long as there are listed rejects at most.
  bool find(size_t expected, std::vector<bool>& seen) {
    for (size_t i = 0; i < found_.size(); ++i) {
      if (seen[i] || !is_part_of(expected_[expected], found_[i])) continue;
      seen[i] = true;
      if (partner_[i] != none && !find(partner_[i], seen)) continue;
      partner_[i] = expected;
      return true;
    }
    return false;
  }

  const Problems& expected_;
  const Problems& found_;
  std::vector<size_t> partner_;
  std::vector<bool> matched_;
};

/// The members that the list names; of an empty one those that say most.
std::vector<size_t> shown_members(const Problems& expected, const Problems& found,
                                  size_t receipts) {
  std::vector<size_t> shown;
  for (size_t i = 0; i < member_count; ++i) {
    const bool named = std::any_of(expected.begin(), expected.end(),
                                   [&](const TextRow& cells) { return cells[i].has_value(); });
    const bool lines = std::all_of(found.begin(), found.end(),
                                   [](const TextRow& cells) { return cells[1].has_value(); });
    const bool usual =
        (i == 0 && receipts > 1) || (i == 1 && lines) || (i == 2 && !lines) || (i >= 3 && i <= 5);
    if (named || (expected.empty() && usual)) shown.push_back(i);
  }
  return shown;
}

TextRow part_of(const TextRow& cells, const std::vector<size_t>& members) {
  TextRow part;
  for (const size_t member : members) part.push_back(cells[member]);
  return part;
}

}  // namespace

Result<void> compare_rejects(const Project&, pipeline::Resources& resources, CaseResult& result) {
  Problems expected, found;
  for (const ExpectedReject& reject : *result.test->rejects) {
    expected.push_back(expected_cells(reject));
  }
  for (const Receipt& receipt : result.receipts) {
    if (receipt.rows.rejected > receipt.rejects.size()) {
      WEIR_TRY(add_stored(receipt, resources, found));
    } else {
      for (const Reject& reject : receipt.rejects) add(receipt, reject, found);
    }
  }
  const Matching matching(expected, found);
  const std::vector<size_t> members = shown_members(expected, found, result.receipts.size());
  RowsDifference difference;
  difference.of = "rejects";
  difference.location = result.test->location;
  difference.expected = expected.size();
  difference.found = found.size();
  for (const size_t member : members) {
    difference.columns.emplace_back(member_names[member]);
    difference.is_key.push_back(false);
  }
  for (const TextRow& cells : expected) {
    difference.expected_rows.push_back(part_of(cells, members));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!matching.is_matched(i)) {
      difference.rows.push_back({part_of(expected[i], members), std::nullopt});
    } else {
      TextRow kept = part_of(found[matching.partner_of(i)], members);
      const TextRow named = part_of(expected[i], members);
      for (size_t k = 0; k < kept.size(); ++k) {
        if (!named[k]) kept[k].reset();  // what it did not name it need not name
      }
      difference.in_place.push_back(std::move(kept));
      difference.origins.emplace_back(i);
    }
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (matching.is_taken(i)) continue;
    difference.rows.push_back({std::nullopt, part_of(found[i], members)});
    difference.in_place.push_back(part_of(found[i], members));
    difference.origins.emplace_back();
  }
  result.rejects = std::move(difference);
  return {};
}

}  // namespace weir::cases
