#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "config/load_project.h"
#include "config/reader.h"

namespace weir::config {

struct SourceText {
  std::string file;  ///< as diagnostics name it: "weir.yaml"
  std::string text;
};

/// A project in memory: what load_project reads from disk and from the process.
struct ProjectTexts {
  SourceText base;
  std::optional<SourceText> overlay;
  std::filesystem::path root;  ///< absolute
  std::string environment = "default";
  Variables variables = [](const std::string&) { return std::nullopt; };
};

/// load_project() without the disk. `checker` may be null.
LoadedProject load_project_texts(const ProjectTexts& texts, SqlChecker* checker);

}  // namespace weir::config
