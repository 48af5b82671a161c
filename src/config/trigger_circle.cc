#include "config/trigger_circle.h"

#include <algorithm>
#include <queue>
#include <set>

#include "config/key_pattern.h"

namespace weir::config {
namespace {

/// A scalar setting, or the one called `key` in the step's map.
std::string setting(const YamlNode& node, std::string_view key) {
  const YamlNode* value = node.kind == YamlKind::map ? node.find(key) : &node;
  return value != nullptr && value->kind == YamlKind::scalar ? value->scalar : std::string();
}

/// Every key a `to: out/${run.day}/` may write, as a pattern.
std::string written_keys(std::string target) {
  for (size_t at; (at = target.find("${")) != std::string::npos;) {
    const size_t end = target.find('}', at);
    if (end == std::string::npos) break;
    target.replace(at, end + 1 - at, "*");
  }
  if (target.find('/') == std::string::npos) target += '/';
  return target.ends_with('/') ? target + "**" : target;
}

bool starts(const Named<PipelineEntry>& first, const Named<PipelineEntry>& second) {
  for (const StepEntry& step : first.value.steps) {
    if (step.later_kind == "run" && setting(step.later->node, "pipeline") == second.name) {
      return true;
    }
    std::string target;
    if (step.download) target = step.download->to.value;
    if (step.later_kind == "write") target = setting(step.later->node, "to");
    if (target.empty() || target.size() > longest_pattern) continue;
    for (const TriggerEntry& trigger : second.value.when) {
      if (!trigger.object || trigger.object->value.size() > longest_pattern) continue;
      if (patterns_meet(written_keys(target), trigger.object->value)) return true;
    }
  }
  return false;
}

using Graph = std::vector<std::vector<size_t>>;

Graph graph_of(const std::vector<Named<PipelineEntry>>& pipelines) {
  Graph graph(pipelines.size());
  for (size_t i = 0; i < pipelines.size(); ++i) {
    const auto& steps = pipelines[i].value.steps;
    if (std::none_of(steps.begin(), steps.end(),
                     [](const StepEntry& step) { return step.later || step.download; })) {
      continue;
    }
    for (size_t j = 0; j < pipelines.size(); ++j) {
      if (starts(pipelines[i], pipelines[j])) graph[i].push_back(j);
    }
  }
  return graph;
}

/// The shortest way from `begin` back to itself; empty when there is none.
std::vector<size_t> circle_through(const Graph& graph, size_t begin) {
  std::vector<size_t> from(graph.size(), graph.size());
  std::queue<size_t> open({begin});
  while (!open.empty()) {
    const size_t at = open.front();
    open.pop();
    for (const size_t next : graph[at]) {
      if (from[next] != graph.size()) continue;
      from[next] = at;
      if (next != begin) {
        open.push(next);
        continue;
      }
      std::vector<size_t> circle = {begin};
      for (size_t back = from[begin]; back != begin; back = from[back]) circle.push_back(back);
      std::reverse(circle.begin() + 1, circle.end());
      return circle;
    }
  }
  return {};
}

}  // namespace

void check_trigger_circles(const ProjectEntry& entry, Reader& reader) {
  const Graph graph = graph_of(entry.pipelines);
  std::set<size_t> reported;
  for (size_t i = 0; i < graph.size(); ++i) {
    if (graph[i].empty() || reported.contains(i)) continue;
    const std::vector<size_t> circle = circle_through(graph, i);
    if (circle.empty()) continue;
    std::string way;
    for (const size_t each : circle) {
      way += entry.pipelines[each].name + " → ";
      reported.insert(each);
    }
    const std::string& first = entry.pipelines[i].name;
    reader.error(entry.pipelines[i].location,
                 circle.size() == 1 ? "pipeline '" + first + "' triggers itself"
                                    : "pipelines trigger each other in a circle: " + way + first,
                 "let one of them write where no trigger of the circle looks");
  }
}

}  // namespace weir::config
