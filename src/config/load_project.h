#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "model/project.h"

namespace weir::config {

enum class Severity { note, warning, error };

/// One finding of `weir validate`: file:line:col: what, why, fix.
struct Diagnostic {
  Severity severity = Severity::error;
  std::string message;  ///< what and why
  std::string fix;
  Location location;  ///< file relative to the project's root

  /// "weir.yaml:12:5: error: unknown key 'colums' in table 'hits'; did you mean 'columns'?"
  std::string to_string() const;
};

struct LoadOptions {
  std::filesystem::path root;  ///< the folder of weir.yaml
  std::string environment;     ///< empty = "default": no overlay
};

struct LoadedProject {
  Project project;                      ///< usable only when `ok()`
  std::vector<Diagnostic> diagnostics;  ///< all problems, in file order
  bool ok() const;                      ///< no diagnostic of severity error
};

/// Checks SQL against declared columns without any real database. One implementation is
/// src/pipeline's (DuckDB); tests may give another.
class SqlChecker {
 public:
  virtual ~SqlChecker() = default;
  struct Finding {
    std::string message;
    std::string fix;
    int offset = -1;  ///< in the SQL text, from 0; -1 = not known
  };
  /// Checks steps of a pipeline that validated so far: expressions parse, bind against the columns
  /// before them, and can become the target column's type. `findings` carry locations.
  virtual std::vector<Diagnostic> check_pipeline(const Project& project,
                                                 const Pipeline& pipeline) = 0;
  /// Checks a table's rule predicates.
  virtual std::vector<Diagnostic> check_table(const Project& project, const Table& table) = 0;
  /// Checks the SQL of a named query, and its parameters.
  virtual std::vector<Diagnostic> check_query(const Project& project, const NamedQuery& query) = 0;
};

/// Reads weir.yaml and its overlay, reports every problem in one go; a missing or unreadable file
/// is a diagnostic too. `checker` may be null: then SQL is not checked (fast start of verbs).
LoadedProject load_project(const LoadOptions& options, SqlChecker* checker);

/// JSON Schema (draft 2020-12) of weir.yaml, pretty-printed, from the option descriptions.
std::string project_schema();
/// The reference page (Markdown) from the same descriptions.
std::string project_reference();

}  // namespace weir::config
