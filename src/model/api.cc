#include "model/api.h"

#include <algorithm>

#include "model/project.h"

namespace weir {
namespace {

template <class Item, class Name>
const Item* find_named(const std::vector<Item>& items, Name Item::*member, const auto& name) {
  const auto at =
      std::ranges::find_if(items, [&](const Item& item) { return item.*member == name; });
  return at == items.end() ? nullptr : &*at;
}

}  // namespace

const RequestPlan* Api::find_plan(std::string_view name) const {
  return find_named(plans, &RequestPlan::name, name);
}

const RowsRoute* Api::find_rows(const TableName& table) const {
  return find_named(rows, &RowsRoute::table, table);
}

const NamedQuery* Api::find_query(std::string_view name) const {
  return find_named(queries, &NamedQuery::name, name);
}

PipelineName rows_pipeline_name(const TableName& table, LoadMode mode, Format format) {
  return PipelineName("api:" + table.value() + ":" + std::string(to_string(mode)) + ":" +
                      std::string(to_string(format)));
}

void complete_api(Project& project) {
  Api& api = project.api ? *project.api : project.api.emplace();
  if (api.find_plan(standard_plan) == nullptr) {
    api.plans.push_back({.name = std::string(standard_plan)});
  }
  for (const Table& table : project.tables) {
    if (api.find_rows(table.name) == nullptr) {
      api.rows.emplace_back().table = table.name;
    }
    for (Pipeline& pipeline : rows_pipelines(table.name)) {
      project.row_pipelines.push_back(std::move(pipeline));
    }
  }
}

std::vector<Pipeline> rows_pipelines(const TableName& table) {
  std::vector<Pipeline> all;
  for (const LoadMode mode : all_load_modes) {
    for (const Format format : {Format::json, Format::csv}) {
      Pipeline pipeline;
      pipeline.name = rows_pipeline_name(table, mode, format);
      ReadStep read;
      read.format = format;
      read.compression = Compression::none;
      pipeline.steps = {read, LoadStep{table, mode, {}}};
      all.push_back(std::move(pipeline));
    }
  }
  return all;
}

}  // namespace weir
