#include "model/project_lookup.h"

#include <string_view>
#include <vector>

#include "base/edit_distance.h"

namespace weir {
namespace {

template <class Entry>
Result<const Entry*> named(const std::vector<Entry>& entries, const char* noun,
                           const std::string& name) {
  std::vector<std::string_view> names;
  std::string all;
  for (const Entry& entry : entries) {
    if (entry.name.value() == name) return &entry;
    names.push_back(entry.name.value());
    all += (all.empty() ? "" : ", ") + entry.name.value();
  }
  const auto near = nearest(name, names);
  return fail(ErrorCode::usage, std::string("there is no ") + noun + " '" + name + "'",
              near ? "did you mean '" + std::string(*near) + "'?" : "the project has: " + all);
}

}  // namespace

Result<const Table*> named_table(const Project& project, const std::string& name) {
  return named(project.tables, "table", name);
}

Result<const Pipeline*> named_pipeline(const Project& project, const std::string& name) {
  return named(project.pipelines, "pipeline", name);
}

}  // namespace weir
