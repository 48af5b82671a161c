#include "cases/compare_rows.h"

#include <algorithm>
#include <map>

namespace weir::cases {
namespace {

constexpr size_t none = static_cast<size_t>(-1);
/// Rows without a key are only paired where looking at all pairs is quick.
constexpr size_t most_unkeyed = 300;

/// Finds each expected row's partner among the rows found.
class Pairing {
 public:
  Pairing(const std::vector<TextRow>& expected, const std::vector<TextRow>& found)
      : expected_(expected),
        found_(found),
        partner_(expected.size(), none),
        taken_(found.size(), false) {}

  void pair_equal() {
    std::map<TextRow, std::vector<size_t>> by_row;
    for (size_t i = found_.size(); i-- > 0;) by_row[found_[i]].push_back(i);
    for (size_t i = 0; i < expected_.size(); ++i) {
      const auto same = by_row.find(expected_[i]);
      if (same == by_row.end() || same->second.empty()) continue;
      take(i, same->second.back());
      same->second.pop_back();
    }
  }

  void pair_in_order() {
    // Equal rows in the same order are paired as far as they go from both ends.
    const size_t shorter = std::min(expected_.size(), found_.size());
    size_t front = 0;
    while (front < shorter && expected_[front] == found_[front]) take(front, front), ++front;
    size_t back = 0;
    while (front + back < shorter &&
           expected_[expected_.size() - 1 - back] == found_[found_.size() - 1 - back]) {
      take(expected_.size() - 1 - back, found_.size() - 1 - back);
      ++back;
    }
  }

  void pair_by_key(const std::vector<bool>& is_key) {
    std::map<TextRow, size_t> by_key;
    const auto key_of = [&](const TextRow& row) {
      TextRow key;
      for (size_t i = 0; i < row.size(); ++i) {
        if (is_key[i]) key.push_back(row[i]);
      }
      return key;
    };
    for (size_t i = 0; i < found_.size(); ++i) {
      if (!taken_[i]) by_key.emplace(key_of(found_[i]), i);
    }
    for (size_t i = 0; i < expected_.size(); ++i) {
      if (partner_[i] != none) continue;
      const auto same = by_key.find(key_of(expected_[i]));
      if (same == by_key.end()) continue;
      take(i, same->second);
      by_key.erase(same);
    }
  }

  /// The most alike first; at least half of the cells must be equal.
  void pair_alike() {
    if (left(expected_.size()) > most_unkeyed || left(found_.size()) > most_unkeyed) return;
    std::vector<std::pair<size_t, std::pair<size_t, size_t>>> pairs;
    for (size_t i = 0; i < expected_.size(); ++i) {
      if (partner_[i] != none) continue;
      for (size_t k = 0; k < found_.size(); ++k) {
        if (taken_[k]) continue;
        size_t equal = 0;
        for (size_t c = 0; c < expected_[i].size(); ++c) equal += expected_[i][c] == found_[k][c];
        if (2 * equal >= expected_[i].size() && equal > 0) pairs.push_back({equal, {i, k}});
      }
    }
    std::stable_sort(pairs.begin(), pairs.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [equal, pair] : pairs) {
      if (partner_[pair.first] == none && !taken_[pair.second]) take(pair.first, pair.second);
    }
  }

  size_t partner(size_t expected) const { return partner_[expected]; }
  bool taken(size_t found) const { return taken_[found]; }

 private:
  void take(size_t expected, size_t found) {
    partner_[expected] = found;
    taken_[found] = true;
    ++pairs_;
  }
  size_t left(size_t all) const { return all - pairs_; }

  const std::vector<TextRow>& expected_;
  const std::vector<TextRow>& found_;
  std::vector<size_t> partner_;
  std::vector<bool> taken_;
  size_t pairs_ = 0;
};

}  // namespace

void compare_rows(const std::vector<TextRow>& expected, const std::vector<TextRow>& found,
                  RowOrder order, RowsDifference& difference) {
  difference.expected = expected.size();
  difference.found = found.size();
  Pairing pairing(expected, found);
  const bool listed = order == RowOrder::as_listed;
  if (listed) {
    pairing.pair_in_order();
  } else {
    pairing.pair_equal();
  }
  const bool keyed = std::find(difference.is_key.begin(), difference.is_key.end(), true) !=
                     difference.is_key.end();
  if (keyed) pairing.pair_by_key(difference.is_key);
  if (!keyed) pairing.pair_alike();
  for (size_t i = 0; i < expected.size(); ++i) {
    const size_t partner = pairing.partner(i);
    if (partner == none) {
      difference.rows.push_back({expected[i], std::nullopt});
      continue;
    }
    // A row out of its place is equal and differs all the same.
    const bool moved =
        listed && expected[i] == found[partner] && i != partner && expected.size() == found.size();
    if (moved) difference.rows.push_back({expected[i], std::nullopt});
    if (moved) difference.rows.push_back({std::nullopt, found[partner]});
    if (expected[i] != found[partner]) difference.rows.push_back({expected[i], found[partner]});
    if (listed) continue;
    difference.in_place.push_back(found[partner]);
    difference.origins.emplace_back(i);
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (pairing.taken(i)) continue;
    difference.rows.push_back({std::nullopt, found[i]});
    if (listed) continue;
    difference.in_place.push_back(found[i]);
    difference.origins.emplace_back();
  }
  // A list in order is written anew when it differs.
  if (listed) difference.in_place = found;
  if (listed) difference.origins.resize(found.size());
  difference.expected_rows = expected;
}

}  // namespace weir::cases
