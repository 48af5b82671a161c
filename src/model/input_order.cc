#include "model/input_order.h"

#include <algorithm>

namespace weir {
namespace {

/// Whether what becomes of a row depends on the rows before it.
bool compares_rows(const Table& table) {
  if (!table.key.empty()) return true;
  return std::ranges::any_of(table.columns, [&](const Column& column) {
    return std::ranges::any_of(column.rules, [&](const Rule& rule) {
      return rule.kind == RuleKind::unique ||
             (rule.kind == RuleKind::references && rule.argument == table.name.value());
    });
  });
}

}  // namespace

bool input_order_matters(const Project& project, const Pipeline& pipeline) {
  return std::ranges::any_of(pipeline.steps, [&](const Step& step) {
    const auto* load = std::get_if<LoadStep>(&step);
    if (load == nullptr) return false;
    const Table* table = project.find_table(load->table);
    return load->mode == LoadMode::replace || (table != nullptr && compares_rows(*table));
  });
}

}  // namespace weir
