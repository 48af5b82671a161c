// Random dictionaries and dirty inputs against a slow, obvious model of what must become of each
// row. Reproduce a run with WEIR_SEED.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/dice_for_test.h"
#include "pipeline/test_project.h"

namespace weir::pipeline {
namespace {

/// A way to write a value, and what the column then holds; nullopt = the type does not take it.
struct Spelled {
  std::string text;
  std::optional<std::string> value;
};

struct TypePool {
  std::string type;
  bool number;
  std::vector<Spelled> pool;
};

const std::vector<TypePool>& pools() {
  static const std::vector<TypePool> all = {
      {"integer",
       true,
       {{"0", "0"},
        {"1", "1"},
        {"2", "2"},
        {"+3", "3"},
        {"007", "7"},
        {"-5", "-5"},
        {"2147483647", "2147483647"},
        {"2147483648", {}},
        {"1.0", {}},
        {"1e3", {}},
        {" 1", {}},
        {"x", {}}}},
      {"bigint",
       true,
       {{"0", "0"},
        {"10", "10"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808", {}},
        {"12,50", {}},
        {"٣", {}}}},
      {"decimal(6,2)",
       true,
       {{"1", "1.00"},
        {"1.5", "1.50"},
        {"-0.25", "-0.25"},
        {"1.250", "1.25"},
        {"1.255", {}},
        {"10000", {}},
        {"1e1", {}}}},
      {"varchar(5)",
       false,
       {{"a", "a"},
        {"b", "b"},
        {"Äöüßé", "Äöüßé"},
        {"sixsix", {}},
        {"NULL", "NULL"},
        {"a,\"b", "a,\"b"},
        {" ", " "}}},
      {"varchar",
       false,
       {{"a", "a"},
        {"two\nlines", "two\nlines"},
        {"a rather long text, with a comma", "a rather long text, with a comma"},
        {"back\\slash", "back\\slash"}}},
      {"date",
       false,
       {{"2017-07-01", "2017-07-01"},
        {"2016-02-29", "2016-02-29"},
        {"2017-02-29", {}},
        {"03/04/2021", {}},
        {"20170701", {}}}},
      {"boolean",
       false,
       {{"true", "true"}, {"F", "false"}, {"1", "true"}, {"2", {}}, {"yes", {}}}}};
  return all;
}

struct ModelColumn {
  const TypePool* type = nullptr;
  bool required = false;
  bool in_key = false;
  std::optional<int> at_least;
};

using Row = std::vector<std::optional<std::string>>;

/// A record as it is written, and its cells when it is whole.
struct Record {
  std::string text;
  std::optional<std::vector<std::optional<Spelled>>> cells;
};

/// What the receipt and the quarantine must say of one input.
struct Verdict {
  RowCounts rows;
  std::set<uint64_t> rejected_elements;
};

class Model {
 public:
  Model(std::vector<ModelColumn> columns, LoadMode mode)
      : columns_(std::move(columns)), mode_(mode) {}

  Verdict load(const std::vector<Record>& records) {
    Verdict verdict;
    std::map<Row, std::pair<uint64_t, Row>> last;  // merge: by key
    for (uint64_t element = 1; element <= records.size(); ++element) {
      ++verdict.rows.read;
      const std::optional<Row> row = judge(records[element - 1]);
      if (!row || (keyed() && mode_ == LoadMode::append && known(*row))) {
        ++verdict.rows.rejected;
        verdict.rejected_elements.insert(element);
      } else if (mode_ == LoadMode::merge) {
        if (!last.insert_or_assign(key_of(*row), std::pair(element, *row)).second) {
          ++verdict.rows.deduplicated;
        }
      } else {
        ++verdict.rows.inserted;
        rows_.push_back(*row);
      }
    }
    for (const auto& [key, winner] : last) merge(winner.second, verdict.rows);
    return verdict;
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const Row& row : rows_) {
      std::string line;
      for (size_t i = 0; i < row.size(); ++i) line += (i > 0 ? "|" : "") + row[i].value_or("NULL");
      lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  bool keyed() const {
    return std::any_of(columns_.begin(), columns_.end(), [](const auto& c) { return c.in_key; });
  }

 private:
  std::optional<Row> judge(const Record& record) const {
    if (!record.cells) return std::nullopt;
    Row row;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const ModelColumn& column = columns_[i];
      const auto& cell = (*record.cells)[i];
      if (!cell) {
        if (column.required || column.in_key) return std::nullopt;
        row.emplace_back();
        continue;
      }
      if (!cell->value) return std::nullopt;
      if (column.at_least && std::stold(*cell->value) < *column.at_least) return std::nullopt;
      row.push_back(cell->value);
    }
    return row;
  }
  Row key_of(const Row& row) const {
    Row key;
    for (size_t i = 0; i < row.size(); ++i) {
      if (columns_[i].in_key) key.push_back(row[i]);
    }
    return key;
  }
  bool known(const Row& row) const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const Row& other) { return key_of(other) == key_of(row); });
  }
  void merge(const Row& row, RowCounts& counts) {
    for (Row& other : rows_) {
      if (key_of(other) != key_of(row)) continue;
      ++(other == row ? counts.unchanged : counts.updated);
      other = row;
      return;
    }
    rows_.push_back(row);
    ++counts.inserted;
  }

  std::vector<ModelColumn> columns_;
  LoadMode mode_;
  std::vector<Row> rows_;
};

class ContractPropertyTest : public testing::Test {
 protected:
  size_t below(size_t limit) { return dice_.below(limit); }
  bool one_in(size_t count) { return dice_.one_in(count); }

  void make_dictionary(int round);
  Record make_record();
  Record spoiled(Record record);
  std::string csv_cell(const std::optional<Spelled>& cell);
  std::string json_cell(const std::optional<Spelled>& cell);
  std::string write(const std::vector<Record>& records) const;
  void load_batch(Model& model);

  TestProject test_;
  Dice dice_;
  std::string name_;
  std::vector<ModelColumn> columns_;
  LoadMode mode_ = LoadMode::append;
  Format format_ = Format::csv;
  int serial_ = 0;
};

void ContractPropertyTest::make_dictionary(int round) {
  name_ = "t" + std::to_string(round);
  columns_.clear();
  const bool keyed = !one_in(3);
  mode_ = keyed && one_in(2) ? LoadMode::merge : LoadMode::append;
  format_ = one_in(2) ? Format::csv : Format::json;
  Table table;
  table.name = TableName(name_);
  table.database = DatabaseName("warehouse");
  for (size_t i = 0, count = 2 + below(4); i < count; ++i) {
    ModelColumn column{
        &pools()[below(pools().size())], one_in(3), keyed && (i == 0 || one_in(4)), {}};
    if (column.type->number && one_in(2)) column.at_least = static_cast<int>(below(3)) - 1;
    const std::string name = "Column " + std::to_string(i);
    Column made{name, *parse_data_type(column.type->type), {}, {}};
    if (column.required) made.rules.push_back({RuleKind::required, "required", "", "", "", {}});
    if (column.at_least) {
      const std::string rule = ">= " + std::to_string(*column.at_least);
      made.rules.push_back({RuleKind::compare, rule, "\"" + name + "\" " + rule, "", "", {}});
    }
    if (column.in_key) table.key.push_back(name);
    table.columns.push_back(std::move(made));
    columns_.push_back(column);
  }
  ReadStep read;
  read.format = format_;
  Pipeline pipeline;
  pipeline.name = PipelineName(name_);
  pipeline.steps = {read, LoadStep{table.name, mode_, {}}};
  test_.project.tables.push_back(std::move(table));
  test_.project.pipelines.push_back(std::move(pipeline));
  test_.executor = *make_executor(test_.project, test_.resources, test_.clock);
}

std::string ContractPropertyTest::csv_cell(const std::optional<Spelled>& cell) {
  if (!cell) return "";
  const bool quote = cell->text.find_first_of(",\"\n") != std::string::npos || one_in(3);
  if (!quote) return cell->text;
  std::string out = "\"";
  for (const char c : cell->text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string ContractPropertyTest::json_cell(const std::optional<Spelled>& cell) {
  if (!cell) return "null";
  const bool plain = cell->text == "true" || cell->text == "0" || cell->text == "1.5" ||
                     cell->text == "-5" || cell->text == "1.0" || cell->text == "1e3";
  if (plain && one_in(2)) return cell->text;
  std::string out = "\"";
  for (const char c : cell->text) {
    out += c == '"' || c == '\\'   ? std::string("\\") + c
           : c == '\n'             ? std::string("\\n")
           : c == 'a' && one_in(4) ? std::string("\\u0061")
                                   : std::string(1, c);
  }
  return out + "\"";
}

Record ContractPropertyTest::make_record() {
  Record record;
  record.cells.emplace();
  const bool csv = format_ == Format::csv;
  for (size_t i = 0; i < columns_.size(); ++i) {
    std::optional<Spelled> cell;
    const auto& pool = columns_[i].type->pool;
    if (!one_in(9)) {
      cell = pool[below(pool.size())];
      if (!cell->value && !one_in(6)) cell = pool[0];  // mostly good
    }
    record.cells->push_back(cell);
    const std::string name = "\"Column " + std::to_string(i) + "\": ";
    if (csv) {
      record.text += (i > 0 ? "," : "") + csv_cell(cell);
    } else if (cell || one_in(2)) {
      record.text += (record.text.empty() ? "" : ", ") + name + json_cell(cell);
    }
  }
  if (!csv) record.text = "{" + record.text + "}";
  return one_in(25) ? spoiled(std::move(record)) : record;
}

Record ContractPropertyTest::spoiled(Record record) {
  record.cells.reset();
  if (format_ == Format::csv) {
    record.text = one_in(2) ? record.text + ",more" : "\"closed\"early,x";
  } else {
    const char* broken[] = {"{\"Column 0\": tru}", "7", "{\"Column 0\": 1, \"Column\\u00200\": 1}",
                            "{\"o\": [1,]}", "{\"Column 0\": {}}"};
    record.text = broken[below(std::size(broken))];
  }
  return record;
}

std::string ContractPropertyTest::write(const std::vector<Record>& records) const {
  std::string text;
  if (format_ == Format::csv) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      text += (i > 0 ? "," : "") + ("Column " + std::to_string(i));
    }
    text += "\n";
  }
  for (const Record& record : records) text += record.text + "\n";
  return text;
}

/// Several inputs in one call, which the executor may load in one transaction or one by one.
void ContractPropertyTest::load_batch(Model& model) {
  std::vector<std::string> keys;
  std::vector<Verdict> verdicts;
  for (size_t inputs = 1 + below(4); inputs > 0; --inputs) {
    std::vector<Record> records;
    for (size_t count = below(60); count > 0; --count) records.push_back(make_record());
    keys.push_back("input" + std::to_string(++serial_));
    test_.drop(keys.back(), write(records));
    verdicts.push_back(model.load(records));
  }
  const std::vector<Receipt> receipts = test_.run_all(name_, keys);
  for (size_t i = 0; i < receipts.size(); ++i) {
    const Receipt& receipt = receipts[i];
    ASSERT_FALSE(receipt.error) << receipt.error->to_string();
    EXPECT_TRUE(receipt.rows.balances());
    EXPECT_TRUE(receipt.rows == verdicts[i].rows)
        << keys[i] << ": read " << receipt.rows.read << " inserted " << receipt.rows.inserted << "/"
        << verdicts[i].rows.inserted << " updated " << receipt.rows.updated << "/"
        << verdicts[i].rows.updated << " rejected " << receipt.rows.rejected << "/"
        << verdicts[i].rows.rejected << " deduplicated " << receipt.rows.deduplicated << "/"
        << verdicts[i].rows.deduplicated;
    std::set<uint64_t> elements;
    for (const std::string& line : test_.query("SELECT element FROM weir_rejects WHERE run_id = '" +
                                               receipt.run.value() + "'")) {
      elements.insert(std::stoull(line));
    }
    EXPECT_EQ(elements, verdicts[i].rejected_elements) << keys[i];
  }
  auto lines = test_.query("SELECT * FROM \"" + name_ + "\"");
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, model.lines());
}

TEST_F(ContractPropertyTest, EveryRowIsWhereTheModelSays) {
  test_.project.tables.reserve(100);
  for (int round = 0; round < 16 && !HasFailure(); ++round) {
    SCOPED_TRACE(dice_.told() + " round " + std::to_string(round));
    make_dictionary(round);
    Model model(columns_, mode_);
    for (int batch = 0; batch < 3; ++batch) load_batch(model);
  }
}

}  // namespace
}  // namespace weir::pipeline
