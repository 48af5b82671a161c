#include "model/names.h"

#include <algorithm>

#include "model/pipeline.h"
#include "model/project.h"
#include "model/receipt.h"
#include "model/test_case.h"

namespace weir {
namespace {

template <class Items, class Name>
auto* find_named(const Items& items, const Name& name) {
  const auto at =
      std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.name == name; });
  return at == items.end() ? nullptr : &*at;
}

constexpr std::string_view run_states[] = {"queued", "running", "succeeded", "partial",
                                           "failed", "skipped", "parked"};

}  // namespace

bool Column::required() const {
  return std::any_of(rules.begin(), rules.end(), [](const Rule& rule) {
    return rule.kind == RuleKind::required || rule.kind == RuleKind::key;
  });
}

bool Column::is_key() const {
  return std::any_of(rules.begin(), rules.end(),
                     [](const Rule& rule) { return rule.kind == RuleKind::key; });
}

const Column* Table::find_column(std::string_view wanted) const {
  return find_named(columns, wanted);
}

const CaseCell* CaseRow::find(const std::string& column) const {
  const auto at = std::find_if(cells.begin(), cells.end(),
                               [&](const CaseCell& cell) { return cell.column == column; });
  return at == cells.end() ? nullptr : &*at;
}

std::filesystem::path Project::state_dir() const { return root / ".weir" / environment; }

const DatabaseConfig* Project::find_database(const DatabaseName& wanted) const {
  return find_named(databases, wanted);
}
const BucketConfig* Project::find_bucket(const BucketName& wanted) const {
  return find_named(buckets, wanted);
}
const Table* Project::find_table(const TableName& wanted) const {
  return find_named(tables, wanted);
}
const Pipeline* Project::find_pipeline(const PipelineName& wanted) const {
  const Pipeline* own = find_named(pipelines, wanted);
  return own != nullptr ? own : find_named(row_pipelines, wanted);
}

std::string schedule_name(const CronTrigger& trigger) {
  return trigger.expression + " " + (trigger.timezone.empty() ? "UTC" : trigger.timezone);
}

const DownloadStep* Pipeline::download() const {
  return steps.empty() ? nullptr : std::get_if<DownloadStep>(&steps.front());
}

std::string_view to_string(LoadMode mode) {
  switch (mode) {
    case LoadMode::append: return "append";
    case LoadMode::merge: return "merge";
    case LoadMode::replace: return "replace";
    case LoadMode::ignore: return "ignore";
  }
  return "append";
}

std::optional<LoadMode> parse_load_mode(std::string_view text) {
  for (const LoadMode mode : all_load_modes) {
    if (to_string(mode) == text) return mode;
  }
  return std::nullopt;
}

std::string_view to_string(Format format) {
  switch (format) {
    case Format::json: return "json";
    case Format::csv: return "csv";
    case Format::parquet: return "parquet";
  }
  return "json";
}

std::string_view to_string(RunState state) { return run_states[static_cast<int>(state)]; }

std::optional<RunState> parse_run_state(std::string_view text) {
  for (size_t i = 0; i < std::size(run_states); ++i) {
    if (run_states[i] == text) return static_cast<RunState>(i);
  }
  return std::nullopt;
}

}  // namespace weir
