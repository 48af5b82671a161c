#include "config/resolve.h"

namespace weir::config {

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? char(c | 32) : c;
  return out;
}

Resolved resolve_project(const ProjectEntry& entry, const std::filesystem::path& root,
                         const std::string& environment, Reader& reader) {
  Resolved resolved;
  Project& project = resolved.project;
  project.name = entry.project.value;
  project.root = root;
  project.environment = environment;
  project.memory_bytes = entry.memory.value;
  project.history = {entry.history.keep_ms.value, entry.history.runs.value};
  project.network = {entry.network.allow, entry.network.deny};
  if (entry.network.ca_file.given()) project.ca_file = root / entry.network.ca_file.value;
  if (entry.project.given() && project.name.find_first_not_of(" \t") == std::string::npos) {
    reader.error(entry.project.location, "the project's name is blank", "give it a name");
  }
  Resolving resolving{entry, project, reader};
  resolve_operations(resolving);
  resolve_traces(resolving);
  resolve_storage(resolving);
  resolve_tables(resolving);
  resolved.checkable = resolve_pipelines(resolving);
  resolve_api(resolving);
  resolve_tests(resolving);
  return resolved;
}

}  // namespace weir::config
