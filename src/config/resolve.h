#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/project_entry.h"
#include "config/reader.h"

namespace weir::config {

/// The second half of loading: what the file says, checked against itself, becomes the model.
/// Entries with an error of their own are left out of `project`.
struct Resolved {
  Project project;
  std::vector<PipelineName> checkable;  ///< pipelines whose SQL may be checked
};

/// Reports everything that does not fit together.
Resolved resolve_project(const ProjectEntry& entry, const std::filesystem::path& root,
                         const std::string& environment, Reader& reader);

/// What the parts of the check share: the file's entries by name, and the model so far.
struct Resolving {
  const ProjectEntry& entry;
  Project& project;
  Reader& reader;
};

void resolve_storage(Resolving& resolving);
/// `log` and `admin`.
void resolve_operations(Resolving& resolving);
void resolve_tables(Resolving& resolving);
/// Both ends of each `references` rule, when all tables are there.
void check_references(const Resolving& resolving);
std::vector<PipelineName> resolve_pipelines(Resolving& resolving);
/// When tables are there.
void resolve_api(Resolving& resolving);
/// `traces`; when `network` is there.
void resolve_traces(Resolving& resolving);
/// When tables and pipelines are there.
void resolve_tests(Resolving& resolving);

/// Compares without regard to ASCII case, as SQL does with names.
std::string folded(std::string_view name);

template <class T>
std::vector<std::string> names_of(const std::vector<T>& items) {
  std::vector<std::string> names;
  for (const T& item : items) names.push_back(item.name);
  return names;
}

template <class T>
const Named<T>* find_entry(const std::vector<Named<T>>& entries, std::string_view name) {
  for (const Named<T>& each : entries) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

}  // namespace weir::config
