#include "config/resolve_row_steps.h"

#include <map>

#include "config/resolve.h"

namespace weir::config {
namespace {

std::vector<NamedColumn> columns_of(const std::vector<Located<std::string>>& names) {
  std::vector<NamedColumn> columns;
  for (const auto& name : names) columns.push_back({name.value, name.location});
  return columns;
}

}  // namespace

UnnestStep resolve_unnest(const UnnestEntry& entry) {
  UnnestStep out;
  out.column = {entry.column.value, entry.column.location};
  if (entry.as) out.as = entry.as->value;
  out.keep_empty = entry.keep_empty.value;
  out.location = entry.location;
  return out;
}

DedupeStep resolve_dedupe(const DedupeEntry& entry) {
  DedupeStep out;
  out.by = columns_of(entry.by);
  out.keep = entry.keep.value;
  if (entry.order_by) out.order_by = *entry.order_by;
  out.location = entry.location;
  return out;
}

AggregateStep resolve_aggregate(const std::string& pipeline, const AggregateEntry& entry,
                                Reader& reader) {
  AggregateStep out;
  out.by = columns_of(entry.by);
  out.location = entry.location;
  std::map<std::string, std::string> seen;
  const auto see = [&](const std::string& name, const Location& at) {
    const auto [first, added] = seen.emplace(folded(name), name);
    if (added) return;
    reader.error(at,
                 "the aggregate in pipeline '" + pipeline + "' makes the column '" + name +
                     "' twice" + (first->second == name ? "" : ", once as '" + first->second + "'"),
                 "the columns of 'by' are there already: leave one out");
  };
  for (const NamedColumn& column : out.by) see(column.name, column.location);
  for (const Named<SqlText>& item : entry.columns) {
    see(item.name, item.location);
    out.items.push_back({item.name, item.value});
  }
  if (out.by.empty() && out.items.empty()) {
    reader.error(entry.location, "the aggregate in pipeline '" + pipeline + "' has no columns",
                 "write `column: expression` below 'columns'");
  }
  return out;
}

CheckStep resolve_check(const std::string& pipeline, const StepEntry& step, Reader& reader) {
  CheckStep out;
  out.location = step.location;
  for (const Named<SqlText>& rule : step.check->rules) {
    out.rules.push_back({rule.name, rule.value});
  }
  if (out.rules.empty()) {
    reader.error(step.location, "the check in pipeline '" + pipeline + "' has no conditions",
                 "write a condition, or `name: condition`");
  }
  return out;
}

}  // namespace weir::config
