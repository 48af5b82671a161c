#include "doctor/needed_rights.h"

#include <algorithm>

namespace weir::doctor {
namespace {

NeededRights& entry_of(std::vector<NeededRights>& rights, const Table& table) {
  auto at = std::ranges::find(rights, &table, &NeededRights::table);
  if (at == rights.end()) at = rights.insert(at, {.table = &table});
  return *at;
}

}  // namespace

std::vector<NeededRights> needed_rights(const Project& project, const DatabaseName& database) {
  std::vector<NeededRights> rights;
  for (const Pipeline& pipeline : project.pipelines) {
    for (const Step& step : pipeline.steps) {
      const auto* load = std::get_if<LoadStep>(&step);
      const Table* table = load == nullptr ? nullptr : project.find_table(load->table);
      if (table == nullptr || table->database != database) continue;
      NeededRights& needed = entry_of(rights, *table);
      needed.insert = true;
      needed.update = needed.update || load->mode == LoadMode::merge;
      needed.remove = needed.remove || load->mode == LoadMode::replace;
      for (const Column& column : table->columns) {
        for (const Rule& rule : column.rules) {
          if (rule.kind != RuleKind::references) continue;
          const Table* parent = project.find_table(TableName(rule.argument));
          if (parent != nullptr) entry_of(rights, *parent);
        }
      }
    }
  }
  return rights;
}

}  // namespace weir::doctor
