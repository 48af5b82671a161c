#include "config/project_texts.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "config/mend_yaml.h"
#include "config/project_entry.h"
#include "config/resolve.h"
#include "text/yaml.h"

namespace weir::config {
namespace {

std::optional<YamlNode> parse_source(const SourceText& source, Reader& reader) {
  Result<text::YamlDocument> document = text::parse_yaml(source.text, source.file);
  if (!document) {
    const Error& error = document.error();
    reader.error(error.location, error.message, error.fix);
    return std::nullopt;
  }
  for (const Error& problem : document->problems) {
    reader.error(problem.location, problem.message, problem.fix);
  }
  mend_yaml(document->root, reader);
  return std::move(document->root);
}

/// The tree of both files; none when one of them cannot be read.
std::optional<YamlNode> merged_tree(const ProjectTexts& texts, Reader& reader) {
  std::optional<YamlNode> root = parse_source(texts.base, reader);
  std::optional<YamlNode> overlay;
  if (texts.overlay) overlay = parse_source(*texts.overlay, reader);
  if (!root || (texts.overlay && !overlay)) return std::nullopt;
  if (root->kind == YamlKind::null) {
    reader.error({texts.base.file, 0, 0}, "the file is empty",
                 "begin with project: NAME, or run `weir init`");
    return std::nullopt;
  }
  if (!overlay || overlay->kind == YamlKind::null) return root;
  if (overlay->kind != YamlKind::map) {
    reader.error(overlay->location, "an overlay must be a map, like the file it is laid over",
                 "write the keys that differ");
    return std::nullopt;
  }
  lay_over(*root, *overlay, reader);
  return root;
}

void check_sql(const Resolved& resolved, SqlChecker& checker, Reader& reader) {
  std::vector<Diagnostic>& all = reader.diagnostics();
  const auto add = [&](std::vector<Diagnostic> found) {
    std::move(found.begin(), found.end(), std::back_inserter(all));
  };
  for (const Table& table : resolved.project.tables) {
    add(checker.check_table(resolved.project, table));
  }
  if (resolved.project.api) {
    for (const NamedQuery& query : resolved.project.api->queries) {
      add(checker.check_query(resolved.project, query));
    }
  }
  for (const PipelineName& name : resolved.checkable) {
    add(checker.check_pipeline(resolved.project, *resolved.project.find_pipeline(name)));
  }
}

/// By file, the base first, then by place; one finding each (aliases repeat what they stand for).
void put_in_file_order(std::vector<Diagnostic>& diagnostics, const std::string& base) {
  const auto place = [&](const Diagnostic& each) {
    return std::make_tuple(each.location.file != base, each.location.line, each.location.column);
  };
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
  const auto same = [](const Diagnostic& a, const Diagnostic& b) {
    return a.location == b.location && a.message == b.message && a.severity == b.severity;
  };
  diagnostics.erase(std::unique(diagnostics.begin(), diagnostics.end(), same), diagnostics.end());
}

std::string_view word(Severity severity) {
  switch (severity) {
    case Severity::note: return "note";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "error";
}

}  // namespace

std::string Diagnostic::to_string() const {
  std::string out = location.to_string();
  if (!out.empty()) out += ": ";
  out += std::string(word(severity)) + ": " + message;
  if (!fix.empty()) out += "; " + fix;
  return out;
}

bool LoadedProject::ok() const {
  return std::none_of(diagnostics.begin(), diagnostics.end(),
                      [](const Diagnostic& each) { return each.severity == Severity::error; });
}

LoadedProject load_project_texts(const ProjectTexts& texts, SqlChecker* checker) {
  Reader reader(texts.variables);
  LoadedProject loaded;
  if (const std::optional<YamlNode> root = merged_tree(texts, reader)) {
    if (const std::optional<ProjectEntry> entry = project_value().read(*root, reader)) {
      Resolved resolved = resolve_project(*entry, texts.root, texts.environment, reader);
      if (checker != nullptr) check_sql(resolved, *checker, reader);
      loaded.project = std::move(resolved.project);
      loaded.project.secrets = std::move(reader.secrets());
    }
  }
  loaded.diagnostics = std::move(reader.diagnostics());
  put_in_file_order(loaded.diagnostics, texts.base.file);
  return loaded;
}

}  // namespace weir::config
