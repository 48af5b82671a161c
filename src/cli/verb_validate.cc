#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "cases/fixture_file.h"
#include "cli/csv_text.h"
#include "cli/display_text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "config/load_project.h"
#include "crypto/wipe.h"
#include "pipeline/sql_checker.h"
#include "secrets/secret_store.h"
#include "text/json.h"

namespace weir::cli {
namespace {

using config::Diagnostic;
using config::Severity;
using text::Json;

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::note: return "note";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "error";
}

Json to_json(const Diagnostic& diagnostic) {
  Json location = Json::object();
  location.set("file", diagnostic.location.file);
  location.set("line", diagnostic.location.line);
  location.set("column", diagnostic.location.column);
  Json json = Json::object();
  json.set("severity", severity_name(diagnostic.severity)).set("message", diagnostic.message);
  json.set("fix", diagnostic.fix).set("location", std::move(location));
  return json;
}

std::string as_json(const std::vector<Diagnostic>& diagnostics) {
  Json list = Json::array();
  for (const Diagnostic& diagnostic : diagnostics) list.push(to_json(diagnostic));
  return list.to_pretty_string() + "\n";
}

std::string as_csv(const std::vector<Diagnostic>& diagnostics) {
  std::string text = csv_line({"severity", "file", "line", "column", "message", "fix"});
  for (const Diagnostic& found : diagnostics) {
    text += csv_line({std::string(severity_name(found.severity)), found.location.file,
                      std::to_string(found.location.line), std::to_string(found.location.column),
                      found.message, found.fix});
  }
  return text;
}

std::string counted(size_t number, const char* noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string as_text(const config::LoadedProject& loaded) {
  std::string text;
  for (const Diagnostic& diagnostic : loaded.diagnostics) text += diagnostic.to_string() + "\n";
  if (loaded.ok()) {
    const Project& project = loaded.project;
    return text + fmt::format("{} is valid: {}, {}, {}, {}\n", project.name,
                              counted(project.databases.size(), "database"),
                              counted(project.buckets.size(), "bucket"),
                              counted(project.tables.size(), "table"),
                              counted(project.pipelines.size(), "pipeline"));
  }
  const auto errors =
      std::count_if(loaded.diagnostics.begin(), loaded.diagnostics.end(),
                    [](const Diagnostic& found) { return found.severity == Severity::error; });
  return text + counted(static_cast<size_t>(errors), "error") + "\n";
}

/// Warns of what the project names and nobody set here; one line for all that miss the same.
void look_for_secrets(config::LoadedProject& loaded) {
  const Project& project = loaded.project;
  const auto store = secrets::open_secret_store({project.root, project.environment});
  std::set<std::string> told;
  for (const SecretUse& use : project.secrets) {
    auto value = store->get(use.name);
    if (value) {
      crypto::wipe(*value);
    } else if (told.insert(value.error().message).second) {
      loaded.diagnostics.push_back(
          {Severity::warning, value.error().message, value.error().fix, use.location});
    }
  }
}

/// Warns of tests whose files are not there: the project runs without them, its tests do not.
void look_for_fixtures(config::LoadedProject& loaded) {
  for (const Error& missing : cases::missing_fixtures(loaded.project)) {
    loaded.diagnostics.push_back(
        {Severity::warning, missing.message, missing.fix, missing.location});
  }
}

}  // namespace

ExitCode validate(const CommandLine& line) {
  const auto checker = pipeline::make_sql_checker();
  config::LoadedProject loaded = config::load_project(
      {std::filesystem::absolute(line.project), line.environment}, checker.get());
  if (loaded.ok()) {
    look_for_secrets(loaded);
    look_for_fixtures(loaded);
  }
  DescriptorOutput out(STDOUT_FILENO);
  std::string text;
  switch (line.format) {
    case OutputFormat::json: text = as_json(loaded.diagnostics); break;
    case OutputFormat::csv: text = as_csv(loaded.diagnostics); break;
    case OutputFormat::table: text = as_text(loaded); break;
  }
  out.write(out.is_terminal() ? visible(text, LineBreaks::keep) : text);
  out.flush();
  return loaded.ok() ? ExitCode::done : ExitCode::usage;
}

}  // namespace weir::cli
