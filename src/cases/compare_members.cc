#include "cases/compare_members.h"

#include <algorithm>

namespace weir::cases {
namespace {

TextRow expected_cells(const ExpectedMembers& expected, const MemberNames& names) {
  TextRow cells(names.size());
  for (const auto& [name, text] : expected.members) {
    const auto at = std::find(names.begin(), names.end(), name);
    cells[static_cast<size_t>(at - names.begin())] = text;
  }
  return cells;
}

bool is_part_of(const TextRow& expected, const TextRow& found) {
  for (size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] && *expected[i] != found[i].value_or("")) return false;
  }
  return true;
}

/// A partner for as many of the expected ones as can have one, by augmenting paths.
class Matching {
 public:
  Matching(const std::vector<TextRow>& expected, const std::vector<TextRow>& found)
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

  const std::vector<TextRow>& expected_;
  const std::vector<TextRow>& found_;
  std::vector<size_t> partner_;
  std::vector<bool> matched_;
};

/// The members that the list names; of an empty one those that say most.
std::vector<size_t> shown_members(const std::vector<TextRow>& expected,
                                  const std::vector<bool>& usual) {
  std::vector<size_t> shown;
  for (size_t i = 0; i < usual.size(); ++i) {
    const bool named = std::any_of(expected.begin(), expected.end(),
                                   [&](const TextRow& cells) { return cells[i].has_value(); });
    if (named || (expected.empty() && usual[i])) shown.push_back(i);
  }
  return shown;
}

TextRow part_of(const TextRow& cells, const std::vector<size_t>& members) {
  TextRow part;
  for (const size_t member : members) part.push_back(cells[member]);
  return part;
}

}  // namespace

RowsDifference compare_members(const std::vector<ExpectedMembers>& listed,
                               const std::vector<TextRow>& found, const MemberNames& names,
                               const std::vector<bool>& usual) {
  std::vector<TextRow> expected;
  for (const ExpectedMembers& each : listed) expected.push_back(expected_cells(each, names));
  const Matching matching(expected, found);
  const std::vector<size_t> members = shown_members(expected, usual);
  RowsDifference difference;
  difference.expected = expected.size();
  difference.found = found.size();
  for (const size_t member : members) {
    difference.columns.emplace_back(names[member]);
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
  return difference;
}

}  // namespace weir::cases
