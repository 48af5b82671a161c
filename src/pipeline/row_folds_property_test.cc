// Random chains of row steps against a slow, obvious model. Reproduce a run with WEIR_SEED.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/dice_for_test.h"
#include "pipeline/row_steps_for_test.h"

namespace weir::pipeline {
namespace {

/// Columns k and n, and as long as `lists` holds, a list l.
struct Row {
  int64_t k = 0;
  std::optional<int64_t> n;
  std::optional<std::vector<int64_t>> l;
};

enum class Kind { where, check, unnest, dedupe, aggregate };

struct ChainStep {
  Kind kind = Kind::where;
  bool keep_empty = false;
  bool by_n = false;
  DedupeKeep keep = DedupeKeep::first;
};

class Model {
 public:
  explicit Model(std::vector<ChainStep> steps) : steps_(std::move(steps)) {}

  std::vector<Row> run(std::vector<Row> rows) {
    counts.read = rows.size();
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].kind == Kind::dedupe && i >= judged_to_) judge_ahead(rows, i);
      apply(rows, i);
    }
    if (judged_to_ <= steps_.size()) reject(rows, [](const Row& row) { return breaks_rule(row); });
    counts.inserted = rows.size();
    return rows;
  }

  RowCounts counts;

 private:
  static bool filtered(const Row& row) { return !row.n || *row.n % 7 == 0; }
  static bool fails_check(const Row& row) { return row.n == 5; }
  static bool breaks_rule(const Row& row) { return row.n && *row.n >= 40; }

  template <class Predicate>
  void reject(std::vector<Row>& rows, Predicate bad) {
    counts.rejected += std::erase_if(rows, bad);
  }

  /// What the steps behind a dedupe and the table would reject goes before it.
  void judge_ahead(std::vector<Row>& rows, size_t from) {
    size_t end = from;
    while (end < steps_.size() && steps_[end].kind != Kind::unnest &&
           steps_[end].kind != Kind::aggregate) {
      ++end;
    }
    reject(rows, [&](const Row& row) {
      for (size_t i = from; i < end; ++i) {
        if (steps_[i].kind == Kind::where && filtered(row)) return false;
        if (steps_[i].kind == Kind::check && fails_check(row)) return true;
      }
      return end == steps_.size() && breaks_rule(row);
    });
    judged_to_ = end == steps_.size() ? end + 1 : end;
  }

  void apply(std::vector<Row>& rows, size_t index) {
    const ChainStep& step = steps_[index];
    if (step.kind == Kind::where) counts.filtered += std::erase_if(rows, filtered);
    if (step.kind == Kind::check && index >= judged_to_) reject(rows, fails_check);
    if (step.kind == Kind::unnest) unnest(rows, step.keep_empty);
    if (step.kind == Kind::dedupe) dedupe(rows, step);
    if (step.kind == Kind::aggregate) aggregate(rows);
  }

  void unnest(std::vector<Row>& rows, bool keep_empty) {
    std::vector<Row> made;
    for (const Row& row : rows) {
      if (!row.l || row.l->empty()) {
        if (keep_empty) made.push_back({row.k, std::nullopt, {}});
        counts.filtered += keep_empty ? 0 : 1;
        continue;
      }
      for (const int64_t element : *row.l) made.push_back({row.k, row.n.value_or(0) + element, {}});
      counts.expanded += row.l->size() - 1;
    }
    rows = std::move(made);
  }

  /// Whether `b`, later in the input, takes `a`'s place.
  static bool takes_place(const Row& a, const Row& b, DedupeKeep keep) {
    switch (keep) {
      case DedupeKeep::first: return false;
      case DedupeKeep::last: return true;
      case DedupeKeep::newest: return !a.n || (b.n && *b.n >= *a.n);
      case DedupeKeep::oldest: return (!a.n && b.n) || (a.n && b.n && *b.n < *a.n);
    }
    return false;
  }

  void dedupe(std::vector<Row>& rows, const ChainStep& step) {
    std::map<std::pair<int64_t, std::optional<int64_t>>, size_t> winners;
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto key = std::pair(rows[i].k, step.by_n ? rows[i].n : std::nullopt);
      const auto [at, added] = winners.emplace(key, i);
      if (!added && takes_place(rows[at->second], rows[i], step.keep)) at->second = i;
    }
    std::vector<size_t> kept;
    for (const auto& [key, i] : winners) kept.push_back(i);
    std::sort(kept.begin(), kept.end());
    counts.deduplicated += rows.size() - kept.size();
    std::vector<Row> made;
    for (const size_t i : kept) made.push_back(rows[i]);
    rows = std::move(made);
  }

  void aggregate(std::vector<Row>& rows) {
    std::vector<Row> made;
    std::map<int64_t, size_t> groups;
    for (const Row& row : rows) {
      const auto [at, added] = groups.emplace(row.k, made.size());
      if (added) {
        made.push_back({row.k, row.n, {}});
      } else if (row.n) {
        Row& group = made[at->second];
        group.n = group.n.value_or(0) + *row.n;
      }
    }
    counts.folded += rows.size() - made.size();
    rows = std::move(made);
  }

  std::vector<ChainStep> steps_;
  size_t judged_to_ = 0;  // steps before this one, and the table when behind all, are judged
};

class RowFoldsPropertyTest : public RowStepsTest {
 protected:
  RowFoldsPropertyTest() { test_.project.tables.reserve(200); }
  size_t below(size_t limit) { return dice_.below(limit); }

  std::vector<ChainStep> make_chain() {
    std::vector<ChainStep> chain;
    bool lists = true;
    for (size_t count = 1 + below(5); count > 0; --count) {
      ChainStep step{static_cast<Kind>(below(5)), below(2) == 0, below(2) == 0,
                     static_cast<DedupeKeep>(below(4))};
      if (step.kind == Kind::unnest && !lists) step.kind = Kind::dedupe;
      lists = lists && step.kind != Kind::unnest && step.kind != Kind::aggregate;
      chain.push_back(step);
    }
    return chain;
  }

  static std::vector<Step> steps_of(const std::vector<ChainStep>& chain) {
    std::vector<Step> steps;
    bool lists = true;
    for (const ChainStep& step : chain) {
      const bool ordered = step.keep == DedupeKeep::newest || step.keep == DedupeKeep::oldest;
      switch (step.kind) {
        case Kind::where: steps.push_back(where("n % 7 <> 0")); break;
        case Kind::check: steps.push_back(check({{"not five", "n <> 5"}})); break;
        case Kind::unnest:
          steps.push_back(unnest("l", "e", step.keep_empty));
          steps.push_back(select({{"k", "k"}, {"n", "coalesce(n, 0) + e"}}));
          lists = false;
          break;
        case Kind::dedupe:
          steps.push_back(
              dedupe(step.by_n ? std::vector<std::string>{"k", "n"} : std::vector<std::string>{"k"},
                     step.keep, ordered ? "n" : ""));
          break;
        case Kind::aggregate:
          steps.push_back(aggregate({"k"}, {{"n", "sum(n)"}}));
          lists = false;
          break;
      }
    }
    if (lists) steps.push_back(select({{"k", "k"}, {"n", "n"}}));
    return steps;
  }

  std::vector<Row> make_rows(size_t count, size_t keys) {
    std::vector<Row> rows(count);
    for (Row& row : rows) {
      row.k = static_cast<int64_t>(below(keys));
      if (below(8) > 0) row.n = static_cast<int64_t>(below(45)) - 5;
      if (below(8) > 0) row.l.emplace();
      for (size_t elements = row.l ? below(4) : 0; elements > 0; --elements) {
        row.l->push_back(static_cast<int64_t>(below(20)));
      }
    }
    return rows;
  }

  static std::string write(const std::vector<Row>& rows) {
    std::string text;
    for (const Row& row : rows) {
      text += "{\"k\":" + std::to_string(row.k);
      if (row.n) text += ",\"n\":" + std::to_string(*row.n);
      if (row.l) {
        text += ",\"l\":[";
        for (size_t i = 0; i < row.l->size(); ++i) {
          text += (i > 0 ? "," : "") + std::to_string((*row.l)[i]);
        }
        text += "]";
      }
      text += "}\n";
    }
    return text;
  }

  std::string make_table(const std::vector<ChainStep>& chain) {
    const std::string name = "t" + std::to_string(++serial_);
    make_pipeline(name, {{"k", "bigint"}, {"n", "bigint"}, {"l", "bigint[]"}}, steps_of(chain),
                  {{"k", "bigint"}, {"n", "bigint"}});
    test_.project.tables.back().columns[1].rules.push_back(
        {RuleKind::compare, "< 40", "\"n\" < 40", "", "", {}});
    test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
    return name;
  }

  static std::vector<std::string> lines_of(const std::vector<Row>& rows) {
    std::vector<std::string> lines;
    for (const Row& row : rows) {
      lines.push_back(std::to_string(row.k) + "|" + (row.n ? std::to_string(*row.n) : "NULL"));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  Dice dice_;
};

TEST_F(RowFoldsPropertyTest, EveryChainGivesWhatTheModelSays) {
  for (int round = 0; round < 40 && !HasFailure(); ++round) {
    SCOPED_TRACE(dice_.told() + " round " + std::to_string(round));
    const auto chain = make_chain();
    const std::string name = make_table(chain);
    std::vector<std::string> keys, expected;
    std::vector<RowCounts> counts;
    for (size_t inputs = 1 + below(3); inputs > 0; --inputs) {
      const auto rows = make_rows(below(40), 1 + below(12));
      keys.push_back(name + "-" + std::to_string(inputs) + ".json");
      test_.drop(keys.back(), write(rows));
      Model model(chain);
      const auto lines = lines_of(model.run(rows));
      expected.insert(expected.end(), lines.begin(), lines.end());
      counts.push_back(model.counts);
    }
    const auto receipts = test_.run_all(name, keys);
    for (size_t i = 0; i < receipts.size(); ++i) {
      const Receipt& receipt = receipts[i];
      ASSERT_FALSE(receipt.error) << receipt.error->to_string();
      EXPECT_EQ(receipt.rows, counts[i])
          << keys[i] << " expanded " << receipt.rows.expanded << "/" << counts[i].expanded
          << " folded " << receipt.rows.folded << "/" << counts[i].folded << " deduplicated "
          << receipt.rows.deduplicated << "/" << counts[i].deduplicated << " filtered "
          << receipt.rows.filtered << "/" << counts[i].filtered << " rejected "
          << receipt.rows.rejected << "/" << counts[i].rejected << " inserted "
          << receipt.rows.inserted << "/" << counts[i].inserted;
    }
    auto lines = test_.query("SELECT * FROM " + name);
    std::sort(lines.begin(), lines.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(lines, expected);
  }
}

TEST_F(RowFoldsPropertyTest, ThreadsChangeNothing) {
  SCOPED_TRACE(dice_.told());
  // Larger than what one thread reads.
  const auto rows = make_rows(250'000, 60'000);
  const std::string text = write(rows);
  ASSERT_GT(text.size(), 5u << 20);
  for (const DedupeKeep keep : {DedupeKeep::last, DedupeKeep::oldest}) {
    const std::vector<ChainStep> chain = {{Kind::where, false, false, keep},
                                          {Kind::dedupe, false, true, keep},
                                          {Kind::unnest, true, false, keep},
                                          {Kind::dedupe, false, false, keep},
                                          {Kind::aggregate, false, false, keep}};
    const std::string name = make_table(chain);
    test_.drop(name + ".json", text);
    Model model(chain);
    const auto expected = lines_of(model.run(rows));
    const Receipt receipt = test_.run(name, name + ".json");
    ASSERT_FALSE(receipt.error) << receipt.error->to_string();
    EXPECT_EQ(receipt.rows, model.counts);
    auto lines = test_.query("SELECT * FROM " + name);
    std::sort(lines.begin(), lines.end());
    EXPECT_TRUE(lines == expected);
  }
}

}  // namespace
}  // namespace weir::pipeline
