#include "config/load_project.h"

#include <algorithm>
#include <cstdlib>

#include "config/project_texts.h"
#include "io/atomic_file.h"
#include "text/yaml.h"

namespace weir::config {
namespace {

namespace fs = std::filesystem;

constexpr const char* base_name = "weir.yaml";

LoadedProject broken(std::string file, std::string message, std::string fix) {
  LoadedProject loaded;
  loaded.diagnostics.push_back(
      {Severity::error, std::move(message), std::move(fix), {std::move(file), 0, 0}});
  return loaded;
}

bool is_environment_name(const std::string& name) {
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

std::vector<std::string> environments_in(const fs::path& root) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(root, ignored)) {
    const std::string file = entry.path().filename().string();
    if (!file.starts_with("weir.") || !file.ends_with(".yaml") || file == base_name) continue;
    const std::string name = file.substr(5, file.size() - 10);
    if (is_environment_name(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<SourceText> read_source(const fs::path& root, const std::string& file) {
  // One byte more than allowed, so that a file too large is refused in the parser's words.
  return SourceText{file, WEIR_TRY(io::read_small_file((root / file).string(),
                                                       text::YamlLimits{}.size_bytes + 1))};
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

LoadedProject without_overlay(const fs::path& root, const std::string& environment) {
  const std::vector<std::string> known = environments_in(root);
  std::string fix = "create the file";
  if (!known.empty()) fix += "; " + suggestion(environment, known);
  return broken("weir." + environment + ".yaml",
                "the environment '" + environment + "' has no overlay file", fix);
}

}  // namespace

LoadedProject load_project(const LoadOptions& options, SqlChecker* checker) {
  ProjectTexts texts;
  std::error_code ignored;
  texts.root = fs::absolute(options.root, ignored).lexically_normal();
  if (!texts.root.has_filename()) texts.root = texts.root.parent_path();
  texts.environment = options.environment.empty() ? "default" : options.environment;
  texts.variables = environment_variable;
  if (!is_environment_name(texts.environment)) {
    return broken("", "'" + texts.environment + "' cannot be the name of an environment",
                  "names are made of letters, digits, '_' and '-'");
  }
  Result<SourceText> base = read_source(texts.root, base_name);
  if (!base && base.error().code == ErrorCode::not_found) {
    return broken(base_name, "there is no weir.yaml in " + texts.root.string(),
                  "run `weir init`, or name the project's folder with --project");
  }
  if (!base) return broken(base_name, base.error().message, base.error().fix);
  texts.base = *std::move(base);
  if (texts.environment != "default") {
    const std::string file = "weir." + texts.environment + ".yaml";
    Result<SourceText> overlay = read_source(texts.root, file);
    if (!overlay && overlay.error().code == ErrorCode::not_found) {
      return without_overlay(texts.root, texts.environment);
    }
    if (!overlay) return broken(file, overlay.error().message, overlay.error().fix);
    texts.overlay = *std::move(overlay);
  }
  return load_project_texts(texts, checker);
}

}  // namespace weir::config
