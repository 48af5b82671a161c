// Random tables and inputs against a slow, obvious model of the modes and of the rules about
// several rows: it loads one input after the other, row by row. Reproduce a run with WEIR_SEED.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/dice_for_test.h"
#include "pipeline/yaml_project_for_test.h"

namespace weir::pipeline {
namespace {

using Row = std::vector<std::optional<int>>;  // the columns of table t, in order

// Columns of t: k1, k2, u1, u2, parent, self.
constexpr size_t columns = 6;
constexpr const char* names[columns] = {"k1", "k2", "u1", "u2", "parent", "self"};

struct Dictionary {
  size_t key_columns = 0;          // the first so many
  bool unique[2] = {};             // u1, u2
  bool references_parent = false;  // parents are the even numbers
  std::optional<size_t> self;      // the column that `self` names

  std::string yaml() const {
    std::string text = "  t:\n    in: w\n    columns:\n";
    for (size_t i = 0; i < columns; ++i) {
      text += "      " + std::string(names[i]) + ": integer";
      if (i == 2 && unique[0]) text += " | unique";
      if (i == 3 && unique[1]) text += " | unique";
      if (i == 4 && references_parent) text += " | references p";
      if (i == 5 && self) text += " | references t(" + std::string(names[*self]) + ")";
      text += "\n";
    }
    if (key_columns > 0) text += key_columns == 1 ? "    key: [k1]\n" : "    key: [k1, k2]\n";
    return text + "  p: {in: w, columns: {id: bigint | key}}\n";
  }
};

struct Verdict {
  RowCounts rows;
  std::map<uint64_t, std::set<std::string>> rejected;  // element → its broken rules

  std::string to_string() const {
    Receipt receipt;
    receipt.rows = rows;
    std::string text = summary(receipt);
    for (const auto& [element, rules] : rejected) {
      text += "\n" + std::to_string(element) + ":";
      for (const std::string& rule : rules) text += " " + rule;
    }
    return text;
  }
};

class Model {
 public:
  explicit Model(Dictionary dictionary) : dictionary_(dictionary) {}

  Verdict load(LoadMode mode, const std::vector<Row>& input) {
    mode_ = mode;
    verdict_ = {};
    in_.clear();
    verdict_.rows.read = input.size();
    if (mode == LoadMode::replace) verdict_.rows.replaced = std::exchange(target_, {}).size();
    for (size_t i = 0; i < input.size(); ++i) in_[i + 1] = input[i];
    judge_rows();
    judge_parents();
    judge_keys();
    while (judge_round() > 0) {
    }
    write();
    verdict_.rows.rejected = verdict_.rejected.size();
    return verdict_;
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const Row& row : target_) {
      std::string line;
      for (const auto& cell : row) {
        line += (line.empty() ? "" : "|") + (cell ? std::to_string(*cell) : "NULL");
      }
      lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

 private:
  using Problems = std::map<uint64_t, std::set<std::string>>;

  Row key_of(const Row& row) const { return {row.begin(), row.begin() + long(key_size())}; }
  size_t key_size() const { return dictionary_.key_columns; }
  void reject(const Problems& problems) {
    for (const auto& [element, rules] : problems) {
      verdict_.rejected[element] = rules;
      in_.erase(element);
    }
  }
  std::set<Row> loaded_keys() const {
    std::set<Row> keys;
    for (const auto& [element, row] : in_) keys.insert(key_of(row));
    return keys;
  }
  std::vector<Row> staying() const {
    if (mode_ != LoadMode::merge) return target_;
    const std::set<Row> keys = loaded_keys();
    std::vector<Row> rows;
    for (const Row& row : target_) {
      if (!keys.contains(key_of(row))) rows.push_back(row);
    }
    return rows;
  }

  void judge_rows() {
    Problems problems;
    for (const auto& [element, row] : in_) {
      for (size_t i = 0; i < key_size(); ++i) {
        if (!row[i]) problems[element].insert(std::string(names[i]) + " required");
      }
    }
    reject(problems);
  }
  void judge_parents() {
    if (!dictionary_.references_parent) return;
    Problems problems;
    for (const auto& [element, row] : in_) {
      if (row[4] && *row[4] % 2 != 0) problems[element].insert("parent references p");
    }
    reject(problems);
  }
  void judge_keys() {
    if (key_size() == 0) return;
    std::set<Row> known;
    for (const Row& row : target_) known.insert(key_of(row));
    std::map<Row, uint64_t> kept;
    Problems problems;
    std::vector<uint64_t> out;
    for (const auto& [element, row] : in_) {
      const auto [at, first] = kept.emplace(key_of(row), element);
      if (mode_ == LoadMode::merge) {
        if (!first) out.push_back(std::exchange(at->second, element));
      } else if (!first || known.contains(key_of(row))) {
        if (mode_ == LoadMode::ignore) {
          out.push_back(element);
        } else {
          problems[element].insert("k1 key");
        }
      }
    }
    for (const uint64_t element : out) in_.erase(element);
    verdict_.rows.deduplicated = out.size();
    reject(problems);
  }
  size_t judge_round() {
    Problems problems;
    const std::vector<Row> stay = staying();
    for (size_t u = 0; u < 2; ++u) {
      const size_t column = 2 + u;
      std::set<int> taken;
      for (const Row& row : stay) {
        if (row[column]) taken.insert(*row[column]);
      }
      for (const auto& [element, row] : in_) {
        if (dictionary_.unique[u] && row[column] && !taken.insert(*row[column]).second) {
          problems[element].insert(std::string(names[column]) + " unique");
        }
      }
    }
    if (dictionary_.self) judge_self(stay, problems);
    reject(problems);
    return problems.size();
  }
  /// By the key a rejected row takes its descendants along; by another column those go in the next
  /// round.
  void judge_self(const std::vector<Row>& stay, Problems& problems) const {
    const size_t column = *dictionary_.self;
    const std::string rule = "self references t(" + std::string(names[column]) + ")";
    const bool by_key = column == 0 && key_size() == 1;
    std::set<int> parents;
    const auto add = [&](const Row& row) {
      if (row[column]) parents.insert(*row[column]);
    };
    const auto orphan = [&](const Row& row) { return row[5] && !parents.contains(*row[5]); };
    for (const Row& row : by_key ? target_ : stay) add(row);
    for (const auto& [element, row] : in_) add(row);
    for (const auto& [element, row] : in_) {
      if (orphan(row)) problems[element].insert(rule);
    }
    for (size_t before = 0; by_key && before != problems.size();) {
      before = problems.size();
      parents.clear();
      for (const Row& row : target_) add(row);
      for (const auto& [element, row] : in_) {
        if (!problems.contains(element)) add(row);
      }
      for (const auto& [element, row] : in_) {
        // A row that is out for something else is not told this as well.
        if (orphan(row) && !problems.contains(element)) problems[element].insert(rule);
      }
    }
  }
  void write() {
    RowCounts& counts = verdict_.rows;
    for (const auto& [element, row] : in_) {
      const auto old = std::find_if(target_.begin(), target_.end(), [&](const Row& other) {
        return mode_ == LoadMode::merge && key_of(other) == key_of(row);
      });
      if (old == target_.end()) {
        target_.push_back(row);
        ++counts.inserted;
      } else {
        ++(*old == row ? counts.unchanged : counts.updated);
        *old = row;
      }
    }
  }

  Dictionary dictionary_;
  LoadMode mode_ = LoadMode::append;
  std::vector<Row> target_;
  std::map<uint64_t, Row> in_;  // the rows of the input that are still in, by element
  Verdict verdict_;
};

class SetRulesPropertyTest : public testing::Test {
 protected:
  int below(size_t limit) { return static_cast<int>(dice_.below(limit)); }
  bool one_in(size_t count) { return dice_.one_in(count); }

  Dictionary make_dictionary() {
    Dictionary made;
    made.key_columns = one_in(5) ? 0 : one_in(3) ? 2 : 1;
    made.unique[0] = one_in(2);
    made.unique[1] = one_in(3);
    made.references_parent = one_in(3);
    if (one_in(2)) made.self = one_in(3) ? 2 : 0;
    return made;
  }
  std::vector<Row> make_input(size_t values) {
    std::vector<Row> rows(static_cast<size_t>(below(30)));
    for (Row& row : rows) {
      row = Row(columns, 1);
      row[0] = below(values);
      row[1] = below(2);
      row[2] = below(values * 3);
      row[3] = below(values * 6);
      row[4] = one_in(5) ? 1 : 2;
      row[5] = below(values);
      for (auto& cell : row) {
        if (one_in(9)) cell.reset();
      }
    }
    return rows;
  }
  static std::string text_of(const std::vector<Row>& rows) {
    std::string text = "k1,k2,u1,u2,parent,self\n";
    for (const Row& row : rows) {
      for (size_t i = 0; i < columns; ++i) {
        text += (i > 0 ? "," : "") + (row[i] ? std::to_string(*row[i]) : "");
      }
      text += "\n";
    }
    return text;
  }
  /// From the quarantine, which holds all of them with all their problems.
  static Verdict verdict_of(YamlProject& test, const Receipt& receipt) {
    Verdict verdict{receipt.rows, {}};
    for (const std::string& line : test.query(
             "SELECT element, field || ' ' || rule FROM (SELECT element, "
             "unnest(from_json(problems, "
             "'[{\"field\":\"VARCHAR\",\"rule\":\"VARCHAR\"}]'), max_depth := 2) FROM weir_rejects "
             "WHERE run_id = '" +
             receipt.run.value() + "')")) {
      const size_t bar = line.find('|');
      verdict.rejected[std::stoull(line)].insert(line.substr(bar + 1));
    }
    return verdict;
  }
  void load_batch(YamlProject& test, const Dictionary& dictionary, Model& model);

  Dice dice_;
};

void SetRulesPropertyTest::load_batch(YamlProject& test, const Dictionary& dictionary,
                                      Model& model) {
  const LoadMode modes[] = {LoadMode::append, LoadMode::replace, LoadMode::merge, LoadMode::ignore};
  const LoadMode mode = modes[below(dictionary.key_columns == 0 ? 2 : 4)];
  const size_t values = 4 + static_cast<size_t>(below(60));
  std::vector<std::string> texts;
  std::vector<Verdict> expected;
  for (int inputs = 1 + below(4); inputs > 0; --inputs) {
    const std::vector<Row> input = make_input(values);
    texts.push_back(text_of(input));
    expected.push_back(model.load(mode, input));
  }
  const auto receipts = test.load_all("t-" + std::string(to_string(mode)), texts);
  for (size_t i = 0; i < receipts.size(); ++i) {
    ASSERT_FALSE(receipts[i].error) << receipts[i].error->to_string();
    EXPECT_EQ(verdict_of(test, receipts[i]).to_string(), expected[i].to_string())
        << to_string(mode) << ", input " << i << " of " << receipts.size() << "\n"
        << texts[i];
  }
  auto lines = test.query("SELECT k1, k2, u1, u2, parent, self FROM t");
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, model.lines());
}

TEST_F(SetRulesPropertyTest, EveryRowIsWhereTheModelSays) {
  for (int round = 0; round < 25 && !HasFailure(); ++round) {
    const Dictionary dictionary = make_dictionary();
    SCOPED_TRACE(dice_.told() + " round " + std::to_string(round) + "\n" + dictionary.yaml());
    YamlProject test(dictionary.yaml());
    std::string parents = "id\n";
    for (int i = 0; i < 10; i += 2) parents += std::to_string(i) + "\n";
    test.load_one("p-append", parents);
    Model model(dictionary);
    for (int batch = 0; batch < 6; ++batch) load_batch(test, dictionary, model);
  }
}

}  // namespace
}  // namespace weir::pipeline
