#include "cases/update_expectations.h"

#include <algorithm>
#include <map>

#include "cases/fixture_file.h"
#include "io/atomic_file.h"
#include "text/json.h"
#include "text/yaml_edit.h"

namespace weir::cases {
namespace {

using text::YamlNode;
using text::YamlPath;

constexpr size_t most_file_bytes = 1u << 20;

YamlNode cell_node(const std::optional<std::string>& cell) {
  return cell ? text::yaml_text(*cell) : text::yaml_null();
}

YamlPath joined(YamlPath path, std::variant<std::string, size_t> step) {
  path.push_back(std::move(step));
  return path;
}

/// The key of a map as the file spells it.
std::string spelled_key(const YamlNode& map, const std::string& name) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? char(c | 32) : c;
    return text;
  };
  for (const auto& entry : map.entries) {
    if (lower(entry.key) == lower(name)) return entry.key;
  }
  return name;
}

/// Rewrites the expectations of one test in the text of the file that holds them.
class CaseUpdate {
 public:
  CaseUpdate(const CaseResult& result, std::string text)
      : result_(result), text_(std::move(text)), expect_({"tests", result.test->name, "expect"}) {}

  Result<std::string> run() {
    WEIR_TRY(receipts());
    for (size_t i = 0; i < result_.tables.size(); ++i) {
      const ExpectedTable& expected = result_.test->expected_tables[i];
      if (result_.tables[i].rows.empty() || expected.rows.file) continue;
      WEIR_TRY(table(expected, result_.tables[i]));
    }
    if (result_.rejects && !result_.rejects->rows.empty()) {
      WEIR_TRY(rows(joined(expect_, "rejects"), *result_.rejects));
    }
    if (result_.notices && !result_.notices->rows.empty()) {
      WEIR_TRY(rows(joined(expect_, "notices"), *result_.notices));
    }
    return std::move(text_);
  }

 private:
  Result<YamlNode> tree() const { return WEIR_TRY(text::parse_yaml(text_, "")).root; }

  Result<void> set(const YamlPath& path, const YamlNode& value) {
    text_ = WEIR_TRY(text::set_yaml_value(text_, path, value));
    return {};
  }

  Result<void> receipts() {
    for (const ExpectedReceipts& expected : result_.test->receipts) {
      YamlPath base = joined(expect_, "receipt");
      if (!expected.of.empty()) base.emplace_back(expected.of);
      std::vector<const Receipt*> found;
      for (const Receipt& receipt : result_.receipts) {
        if (expected.of.empty() || receipt_name(receipt) == expected.of) found.push_back(&receipt);
      }
      if (found.size() != expected.receipts.size()) continue;  // validate says so
      for (size_t i = 0; i < found.size(); ++i) {
        const YamlNode root = WEIR_TRY(tree());
        const YamlNode* node = text::yaml_at(root, base);
        const bool list = node != nullptr && node->kind == text::YamlKind::sequence;
        WEIR_TRY(receipt(list ? joined(base, i) : base, expected.receipts[i], *found[i]));
      }
    }
    return {};
  }

  Result<void> receipt(const YamlPath& path, const ExpectedReceipt& expected,
                       const Receipt& found) {
    if (expected.status && *expected.status != found.status) {
      WEIR_TRY(set(joined(path, "status"), text::yaml_text(std::string(to_string(found.status)))));
    }
    for (const ExpectedCount& count : expected.counts) {
      const uint64_t value = counter_value(found.rows, count.counter);
      if (value == count.rows) continue;
      WEIR_TRY(
          set(joined(joined(path, "rows"), count.counter), text::yaml_text(std::to_string(value))));
    }
    return {};
  }

  Result<void> table(const ExpectedTable& expected, const RowsDifference& difference) {
    YamlPath path = joined(joined(expect_, "tables"), expected.table.value());
    const YamlNode root = WEIR_TRY(tree());
    const YamlNode* node = text::yaml_at(root, path);
    if (node != nullptr && node->kind == text::YamlKind::map) path.emplace_back("rows");
    return rows(path, difference);
  }

  YamlNode row_node(const RowsDifference& difference, const TextRow& row) const {
    YamlNode node;
    node.kind = text::YamlKind::map;
    for (size_t i = 0; i < row.size(); ++i) {
      if (!row[i] && difference.null_text.empty()) continue;  // a member that is not named
      node.entries.push_back({difference.columns[i], {}, {}, cell_node(row[i])});
    }
    return node;
  }

  /// Cells that changed, then rows that are gone, from the back, then those that are new.
  Result<void> rows(const YamlPath& path, const RowsDifference& difference) {
    std::vector<bool> stays(difference.expected_rows.size(), false);
    for (const auto& origin : difference.origins) {
      if (origin) stays[*origin] = true;
    }
    if (std::find(stays.begin(), stays.end(), true) == stays.end()) {
      YamlNode list;
      list.kind = text::YamlKind::sequence;
      for (const TextRow& row : difference.in_place) {
        list.items.push_back(row_node(difference, row));
      }
      return set(path, list);
    }
    for (size_t i = 0; i < difference.in_place.size(); ++i) {
      if (difference.origins[i]) WEIR_TRY(cells(path, difference, i));
    }
    for (size_t i = stays.size(); i-- > 0;) {
      if (!stays[i]) text_ = WEIR_TRY(text::remove_yaml_item(text_, joined(path, i)));
    }
    for (size_t i = 0; i < difference.in_place.size(); ++i) {
      if (difference.origins[i]) continue;
      text_ = WEIR_TRY(
          text::append_yaml_item(text_, path, row_node(difference, difference.in_place[i])));
    }
    return {};
  }

  Result<void> cells(const YamlPath& path, const RowsDifference& difference, size_t i) {
    const size_t origin = *difference.origins[i];
    const TextRow& expected = difference.expected_rows[origin];
    const TextRow& found = difference.in_place[i];
    const YamlPath row = joined(path, origin);
    for (size_t column = 0; column < found.size(); ++column) {
      if (expected[column] == found[column]) continue;
      const YamlNode root = WEIR_TRY(tree());
      const YamlNode* node = text::yaml_at(root, row);
      if (node == nullptr) continue;
      WEIR_TRY(set(joined(row, spelled_key(*node, difference.columns[column])),
                   cell_node(found[column])));
    }
    return {};
  }

  const CaseResult& result_;
  std::string text_;
  const YamlPath expect_;
};

std::string csv_cell(const std::optional<std::string>& cell) {
  if (!cell) return {};
  if (!cell->empty() && cell->find_first_of("\",\r\n") == std::string::npos) return *cell;
  std::string out = "\"";
  for (const char c : *cell) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string csv_text(const RowsDifference& difference) {
  std::string out;
  for (size_t i = 0; i < difference.columns.size(); ++i) {
    out += (i > 0 ? "," : "") + csv_cell(difference.columns[i]);
  }
  for (const TextRow& row : difference.in_place) {
    out += '\n';
    for (size_t i = 0; i < row.size(); ++i) out += (i > 0 ? "," : "") + csv_cell(row[i]);
  }
  return out + "\n";
}

/// Why a test is left as it is; empty: it may be updated.
std::string obstacle(const CaseResult& result) {
  if (result.status == CaseStatus::broken) return "it could not be run or compared";
  if (result.error) return "a run failed that was not expected to";
  for (const ValueDifference& value : result.values) {
    if (value.field == "error") return "another error was expected";
  }
  return {};
}

/// New contents of the files that expected rows are in.
Result<void> update_files(const Project& project, const CaseResult& result,
                          std::map<std::string, std::string>& files) {
  for (size_t i = 0; i < result.tables.size(); ++i) {
    const ExpectedTable& expected = result.test->expected_tables[i];
    if (result.tables[i].rows.empty() || !expected.rows.file) continue;
    const std::string bytes = WEIR_TRY(read_fixture(*expected.rows.file, project.root));
    if (holds_json(bytes)) {
      return fail(ErrorCode::not_yet,
                  expected.rows.file->path + " holds JSON, which is not rewritten");
    }
    if (!expected.only.empty()) {
      return fail(ErrorCode::not_yet,
                  expected.rows.file->path + " has more columns than those compared");
    }
    const auto [at, added] = files.emplace((project.root / expected.rows.file->path).string(),
                                           csv_text(result.tables[i]));
    if (!added && at->second != csv_text(result.tables[i])) {
      return fail(ErrorCode::not_yet,
                  expected.rows.file->path + " is expected by several tests, which differ");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<UpdatedCase>> update_expectations(const Project& project,
                                                     const std::vector<CaseResult>& results) {
  std::map<std::string, std::string> texts, before;  // by file
  std::vector<UpdatedCase> updated;
  for (const CaseResult& result : results) {
    if (result.status == CaseStatus::passed) continue;
    updated.push_back({result.test->name, obstacle(result)});
    if (!updated.back().left_alone.empty()) continue;
    const std::string file = (project.root / result.test->location.file).string();
    if (!texts.contains(file)) {
      before[file] = texts[file] = WEIR_TRY(io::read_small_file(file, most_file_bytes));
    }
    if (texts[file].find('\r') != std::string::npos || texts[file].starts_with("\xEF\xBB\xBF")) {
      updated.back().left_alone = "the file has carriage returns or a byte order mark";
      continue;
    }
    std::map<std::string, std::string> files = texts;
    auto text = CaseUpdate(result, texts[file]).run();
    const auto rows = update_files(project, result, files);
    if (!text || !rows) {
      updated.back().left_alone = (text ? rows.error() : text.error()).message;
      continue;
    }
    texts = std::move(files);
    texts[file] = *std::move(text);
  }
  for (const auto& [file, text] : texts) {
    const auto old = before.find(file);
    if (old != before.end() && old->second == text) continue;
    WEIR_TRY(io::write_file_atomically(file, text));
  }
  return updated;
}

}  // namespace weir::cases
